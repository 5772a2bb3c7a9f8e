"""Every kernel of the imitated GPU: the checks that CUDA makes, then the same operation on the host."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from imitated_gpu.graphs import NOW, CaptureError, Work, tensors
from imitated_gpu.memory import GPU, HOST, MEMORY, ON_HOST, on_gpu, on_host
from imitated_gpu.operations import Operation, aten, kernels_of_cuda


class Generator(torch._C.Generator):
    """A generator of the imitated GPU: the host's, under another device."""

    device = GPU
    own: ClassVar[WeakValueDictionary[int, Generator]] = WeakValueDictionary()  # by address: torch wraps them anew

    def __init__(self, *args: Any) -> None:
        Generator.own[self._cdata] = self


CHANCE = Generator()  # of the GPU, where no generator is given


class _Arguments:
    """The arguments of one call on the host, checked one by one."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.hosts: dict[int, Tensor] = {}  # one for each tensor, so that a resized output can be told

    def host(self, value: Any, *, place: int | str) -> Any:
        if isinstance(value, Tensor):
            if not value.is_cuda:
                self._refuse(value, place)
                return value if NOW.capturing is None else value.clone()
            if id(value) not in self.hosts:
                self.hosts[id(value)] = on_host(value)
            return self.hosts[id(value)]
        if isinstance(value, list | tuple):
            return [self.host(each, place=place) for each in value]
        if isinstance(value, torch.device):
            return HOST if value.type == "cuda" else value
        return False if place == "pin_memory" else value

    def _refuse(self, tensor: Tensor, place: int | str) -> None:
        if self.operation.indexed and place == 1:
            if NOW.capturing is not None:
                raise CaptureError("indices come from the host")
        elif tensor.dim() or not self.operation.numbers_anywhere:
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! "
                f"({self.operation.op}, argument {place} of shape {tuple(tensor.shape)})"
            )


def run(op: Any, *args: Any, **kwargs: Any) -> Any:
    """Run one operation of the GPU."""
    with torch._C.DisableTorchFunction(), torch._C._AutoDispatchBelowAutograd():
        if (operation := OPERATIONS.get(op)) is None:
            operation = OPERATIONS[op] = Operation(op)
        if operation.describes:
            return op.redispatch(ON_HOST, *args, **kwargs)
        special = SPECIAL.get(operation.name)
        return special(*args, **kwargs) if special else _work(operation, args, kwargs)


OPERATIONS: dict[Any, Operation] = {}


def _work(operation: Operation, args: Any, kwargs: Any) -> Any:
    _refuse(operation, args, kwargs)
    arguments = _Arguments(operation)
    host_args = [arguments.host(value, place=place) for place, value in enumerate(args)]
    host_kwargs = {name: arguments.host(value, place=name) for name, value in kwargs.items()}
    outputs = [args[place] if place < len(args) else kwargs[name] for place, name in operation.written]
    if NOW.capturing is not None:
        for output in tensors(outputs):
            NOW.capturing.save(output)
    do = operation.on_host(host_args)
    if operation.draws:
        do = partial(_with_chance, operation, do)
    results = do(*host_args, **host_kwargs)
    for output in tensors(outputs):
        if output.shape != arguments.hosts[id(output)].shape:
            _take(output, arguments.hosts[id(output)])
    if not operation.free:
        flops = int(operation.formula(*args, **kwargs, out_val=results)) if operation.formula else 0
        NOW.launch(Work(operation.name, do, host_args, host_kwargs, tensors(results), flops))
    return _returned(operation, results, outputs)


def _refuse(operation: Operation, args: Any, kwargs: Any) -> None:
    generator = kwargs.get("generator")
    if generator is not None and generator._cdata not in Generator.own:
        raise RuntimeError("Expected a 'cuda' device type for generator but found 'cpu'")
    if operation.multiplies and not (args[0].is_floating_point() or args[0].is_complex()):
        raise RuntimeError(f'"{operation.name}_cuda" not implemented for {args[0].dtype}')
    if (recording := NOW.capturing) is None:
        NOW.waits += operation.waits
        return
    masks = operation.indexed and any(index.dtype in (torch.bool, torch.uint8) for index in tensors(args[1]))
    if operation.waits or masks:
        raise CaptureError(f"{operation.name} waits for the GPU")
    if generator is not None and generator._cdata not in recording.generators:
        raise CaptureError("a generator that was not registered with the graph draws")


def _with_chance(operation: Operation, do: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Draw from the GPU's own generator, where none is given."""
    if operation.takes_generator:
        return do(*args, **{**kwargs, "generator": kwargs.get("generator") or CHANCE})
    host = torch._C.default_generator if hasattr(torch._C, "default_generator") else torch.default_generator
    before = host.get_state()
    host.set_state(CHANCE.get_state())
    try:
        return do(*args, **kwargs)
    finally:
        CHANCE.set_state(host.get_state())
        host.set_state(before)


def _take(output: Tensor, host: Tensor) -> None:
    """Give an output the memory and shape that the operation gave it on the host."""
    if output.numel():
        raise NotImplementedError(f"an output of shape {tuple(output.shape)} is resized to {tuple(host.shape)}")
    fresh = on_gpu(host)
    source = fresh.untyped_storage(), 0, fresh.shape, fresh.stride()
    aten.set_.source_Storage_storage_offset.redispatch(ON_HOST, output, *source)


def _returned(operation: Operation, results: Any, outputs: list[Any]) -> Any:
    """The results as tensors of the GPU; those that were written are the arguments themselves."""
    if len(operation.old) == 1:
        return outputs[0] if operation.old[0] else _fresh(results)
    written = iter(outputs)
    pairs = zip(operation.old, results or (), strict=True)
    return tuple(next(written) if old else _fresh(result) for old, result in pairs) if operation.old else None


def _fresh(result: Any) -> Any:
    if isinstance(result, Tensor):
        return on_gpu(result)
    return [_fresh(each) for each in result] if isinstance(result, list | tuple) else result


def _copy(target: Tensor, source: Tensor, non_blocking: bool = False) -> Tensor:
    crosses = target.is_cuda != source.is_cuda
    if NOW.capturing is not None:
        if crosses:
            raise CaptureError("a copy from or to the host")
        NOW.capturing.save(target)
    sides = [on_host(side) if side.is_cuda else side for side in (target, source)]
    result = aten.copy_.default(*sides)
    way = "" if not crosses else " from the host" if target.is_cuda else " to the host"
    if target.numel():
        NOW.launch(Work(f"copy_{way}", aten.copy_.default, sides, {}, [result], 0))
    if crosses and not target.is_cuda and not non_blocking:
        NOW.wait()
    return target


def _resize(tensor: Tensor, size: Any, *, memory_format: Any = None) -> Tensor:
    wanted = torch.empty(size, dtype=tensor.dtype, device=HOST)
    offset = tensor.storage_offset()
    room = tensor.untyped_storage().nbytes() - offset * tensor.element_size()
    fresh, offset = (tensor, offset) if room >= wanted.nbytes else (on_gpu(wanted), 0)
    source = fresh.untyped_storage(), offset, list(wanted.shape), list(wanted.stride())
    return aten.set_.source_Storage_storage_offset.redispatch(ON_HOST, tensor, *source)


def _number(tensor: Tensor) -> Any:
    NOW.wait()
    NOW.launch(Work("copy_ to the host", on_host, (), {}, [], 0))
    return on_host(tensor).item()


def _nothing(*args: Any) -> None:
    """Memory is never given to another stream here."""


SPECIAL: dict[str, Callable[..., Any]] = {
    "copy_": _copy,
    "resize_": _resize,
    "_local_scalar_dense": _number,
    "record_stream": _nothing,
}

_LIBRARIES: list[torch.library.Library] = []


def install() -> None:
    """Put the kernels in place, once a process; without tensors that say cuda they are never reached."""
    if _LIBRARIES:
        return
    warnings.filterwarnings("ignore", "Warning only once for all operators")
    every, one = torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")
    every.fallback(run, "CUDA")
    built = {name.removeprefix("aten::") for name in torch._C._dispatch_get_registrations_for_dispatch_key("CUDA")}
    for name in sorted({*kernels_of_cuda(), *built, "copy_"}):
        packet, _, overload = name.partition(".")
        op = getattr(getattr(aten, packet, None), overload or "default", None)
        if op is not None:
            one.impl(name, partial(run, op), "CUDA", allow_override=True)
    _LIBRARIES.extend((every, one))


def cloned(clone: Callable[..., Any], storage: torch.UntypedStorage) -> torch.UntypedStorage:
    """A copy of a storage, for which torch would ask an allocator of the GPU: deepcopy wants it."""
    if storage.device.type != "cuda":
        return clone(storage)
    host = MEMORY.storages.get(storage.data_ptr())
    whole = torch.empty(0, dtype=torch.uint8, device=HOST)
    copy = whole if host is None else whole.set_(host, 0, (host.nbytes(),), (1,)).clone()
    return on_gpu(copy).untyped_storage()
