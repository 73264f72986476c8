"""Who may go on with a run: one resumption of each state, by compare-and-set."""

from __future__ import annotations

from typing import Protocol


class RunEpochs(Protocol):
    """Shared by all who may resume a run. Without one, resumptions of a state are independent forks."""

    def claim(self, run_id: str, epoch: int) -> bool:
        """Take an epoch of a run; False when it, or a later one, is taken. Atomic, and durable where the log is."""
        ...


class MemoryEpochs:
    """Epochs within one process."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def claim(self, run_id: str, epoch: int) -> bool:
        """Take an epoch of a run; False when it, or a later one, is taken."""
        if epoch <= self._taken.get(run_id, 0):
            return False
        self._taken[run_id] = epoch
        return True
