"""The methods of alignment: losses on pairs, reward models, PPO and its relatives, and how each is trained."""
