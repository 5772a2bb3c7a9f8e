// What of torch can be imitated in C++ alone: its device guard, its hooks, its choice among kernels of attention.
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/Context.h>
#include <ATen/native/transformers/attention.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <cstring>

using namespace c10;

struct Guard final : impl::NoOpDeviceGuardImpl<DeviceType::CUDA> {
  Device getDevice() const override { return Device(DeviceType::CUDA, 0); }
  Device exchangeDevice(Device) const override { return getDevice(); }
  Stream getStream(Device) const noexcept override { return Stream(Stream::DEFAULT, getDevice()); }
  Stream getDefaultStream(Device) const override { return getStream(getDevice()); }
  Stream exchangeStream(Stream) const noexcept override { return getStream(getDevice()); }
};

struct Hooks final : at::CUDAHooksInterface {
  void init() const override {}
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasCUDA() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return false; }
  DeviceIndex deviceCount() const override { return 1; }
  DeviceIndex current_device() const override { return 0; }
  int getNumGPUs() const override { return 1; }
  at::Allocator* getPinnedMemoryAllocator() const override { return c10::GetAllocator(DeviceType::CPU); }
};

static Guard guard;
static const impl::DeviceGuardImplInterface* guard_before = nullptr;
static void* hooks_before = nullptr;

// Torch's own choice, without the properties of a card: flash (1) for halves, memory-efficient (2) else, math (0).
static int64_t choice(
    const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const std::optional<at::Tensor>& mask,
    double dropout, bool causal, std::optional<double>, bool grouped) {
  auto& context = at::globalContext();
  auto type = query.scalar_type();
  bool half = type == at::kHalf || type == at::kBFloat16;
  if (query.dim() == 4 && dropout == 0 && query.size(3) == value.size(3) && (half || type == at::kFloat)) {
    bool alike = query.size(1) == key.size(1), square = query.size(2) == key.size(2);
    bool flash = half && !mask.has_value() && (alike || grouped) && (square || !causal) && query.size(3) <= 256;
    if (flash && context.userEnabledFlashSDP()) return 1;
    if (alike && context.userEnabledMemEfficientSDP()) return 2;
  }
  TORCH_CHECK(context.userEnabledMathSDP(), "No available kernel. Aborting execution.");
  return 0;
}

// Both interfaces have no fields, so an object becomes another one by its first word alone.
extern "C" void imitate(int on) {
  auto& slot = impl::device_guard_impl_registry[static_cast<int>(DeviceType::CUDA)];
  auto* hooks = const_cast<at::CUDAHooksInterface*>(&at::detail::getCUDAHooks());
  static Hooks ours;
  at::native::_fused_sdp_choice_stub.set_cuda_dispatch_ptr(&choice);
  if (on) {
    guard_before = slot.load();
    slot.store(&guard);
    std::memcpy(&hooks_before, hooks, sizeof(void*));
    std::memcpy(static_cast<void*>(hooks), static_cast<void*>(&ours), sizeof(void*));
  } else {
    slot.store(guard_before);
    std::memcpy(static_cast<void*>(hooks), &hooks_before, sizeof(void*));
  }
}
