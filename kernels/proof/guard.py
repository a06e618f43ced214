"""Checks what interpreted kernels do to memory: bounds, races, the order of programs, missing barriers.

    with guard(order="shuffle", seed=1):
        operation(...)                      # GuardError at the first defect

The interpreter runs programs one after another, each as one thread, on raw addresses. So what would be undefined on a
GPU passes there, or ends the process. Under the guard these are errors:

- a lane of a load, store or atomic, not masked, outside the storage of every tensor argument;
- two programs of one launch that store to one address, or one that stores what another loads, in either order;
- two lanes of one store on one address;
- a program that loads what it stored, with no `tl.debug_barrier()` between: the store of another thread may not be
  there yet;
- a program that stores to what another of its lanes loaded, with no barrier between: that lane may not have loaded yet.
  A scalar is loaded by every lane.

Programs run in their order, backwards or shuffled, which shows what else depends on it.

Not seen: races with an atomic, which is held to its bounds alone, so that a program which waits for others by one is an
error; an overrun of a view inside its own storage (give scratch a storage of its own); accesses that overlap without
beginning at one address. Barriers that a reduction brings with it do not count.
"""

import contextlib
import importlib
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Order = Literal["forward", "reverse", "shuffle"]
EVERY_LANE = -1


class GuardError(AssertionError):
    """A kernel touches memory in a way that is undefined on a GPU."""


@contextlib.contextmanager
def guard(order: Order = "forward", seed: int = 0) -> Iterator[None]:
    """Watch every interpreted launch of this context, with programs in that order; `seed` is of the shuffle."""
    interpreter: Any = importlib.import_module("triton.runtime.interpreter")
    watch = _Watch(interpreter.interpreter_builder, order, seed)
    with contextlib.ExitStack() as changes:
        for owner, name, function in (
            (interpreter.GridExecutor, "__call__", watch.call),
            (interpreter.GridExecutor, "_init_args_hst", watch.arguments),
            (interpreter.InterpreterBuilder, "set_grid_idx", watch.begin_program),
            (interpreter.InterpreterBuilder, "create_barrier", watch.barrier),
            (interpreter.InterpreterBuilder, "create_masked_load", watch.load),
            (interpreter.InterpreterBuilder, "create_masked_store", watch.store),
            (interpreter.InterpreterBuilder, "create_atomic_rmw", watch.atomic),
            (interpreter.InterpreterBuilder, "create_atomic_cas", watch.compare_and_swap),
        ):
            changes.enter_context(_changed(owner, name, function))
        yield


@contextlib.contextmanager
def _changed(owner: Any, name: str, function: Callable[..., Any]) -> Iterator[None]:
    """A method that calls `function(original, self, ...)`, for a while."""
    original = getattr(owner, name)
    setattr(owner, name, lambda self, *arguments, **options: function(original, self, *arguments, **options))
    try:
        yield
    finally:
        setattr(owner, name, original)


class _Watch:
    """The interpreter's functions as the guard calls them; `touched` is of the launch that runs."""

    def __init__(self, builder: Any, order: Order, seed: int):
        self.builder, self.order, self.seed = builder, order, seed
        self.touched = _Touched([])

    def call(self, original: Callable[..., Any], executor: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return original(executor, *arguments, **options)
        except Exception as error:  # the interpreter wraps what a kernel raises, once for every function it is in
            cause: BaseException | None = error
            while cause is not None and not isinstance(cause, GuardError):
                cause = cause.__cause__
            if cause is None:
                raise
            msg = f"kernel {executor.fn.__name__}: {cause}"
            raise GuardError(msg) from None
        finally:
            self.touched = _Touched([])

    def arguments(self, original: Callable[..., Any], executor: Any, given: Any, named: Any) -> Any:
        here, here_named = original(executor, given, named)
        self.touched = _Touched(list(_storages([*here, *here_named.values()])))
        return here, here_named

    def begin_program(self, original: Callable[..., Any], builder: Any, x: int, y: int, z: int) -> None:
        size = builder.grid_dim
        number = (x * size[1] + y) * size[2] + z
        if self.order == "reverse":
            number = size[0] * size[1] * size[2] - 1 - number
        elif self.order == "shuffle":
            number = int(self.touched.shuffled(size[0] * size[1] * size[2], self.seed)[number])
        place = number // (size[1] * size[2]), number // size[2] % size[1], number % size[2]
        self.touched.begin(number, f"program {place}")
        original(builder, *place)

    def barrier(self, original: Callable[..., Any], builder: Any) -> None:
        self.touched.epoch += 1
        original(builder)

    def load(self, original: Callable[..., Any], builder: Any, pointers: Any, mask: Any, *rest: Any, **how: Any) -> Any:
        self.touched.load(pointers.data, _mask(mask), _width(pointers))
        return original(builder, pointers, mask, *rest, **how)

    def store(
        self, original: Callable[..., Any], builder: Any, pointers: Any, value: Any, mask: Any, *rest: Any, **how: Any
    ) -> Any:
        self.touched.store(pointers.data, _mask(mask), _width(pointers))
        return original(builder, pointers, value, mask, *rest, **how)

    def atomic(
        self, original: Callable[..., Any], builder: Any, what: Any, pointers: Any, value: Any, mask: Any, *rest: Any
    ) -> Any:
        self.touched.find("atomic", pointers.data, _mask(mask), _width(pointers))
        return original(builder, what, pointers, value, mask, *rest)

    def compare_and_swap(self, original: Callable[..., Any], builder: Any, pointers: Any, *rest: Any) -> Any:
        self.touched.find("atomic", pointers.data, np.ones_like(pointers.data, dtype=bool), _width(pointers))
        return original(builder, pointers, *rest)


class _Touched:
    """Who loaded and stored each byte of the storages of one launch, programs by number from 1, 0 for none."""

    def __init__(self, storages: list[tuple[int, int]]):
        sizes = dict(sorted(storages))
        self.starts = np.array(list(sizes), dtype=np.uint64)
        self.sizes = np.array(list(sizes.values()), dtype=np.int64)
        none = [[np.zeros(size, np.int32) for size in sizes.values()] for _ in range(5)]
        self.writer, self.reader = none[:2]  # programs; reader -1: several
        self.written_in, self.read_in = none[2:4]  # epochs, which barriers and programs begin
        self.read_by = none[4]  # lanes
        self.epoch, self.number, self.name = 0, 0, "no program"
        self._shuffled: npt.NDArray[np.int64] | None = None

    def shuffled(self, count: int, seed: int) -> npt.NDArray[np.int64]:
        if self._shuffled is None:
            self._shuffled = np.random.default_rng(seed).permutation(count)
        return self._shuffled

    def begin(self, number: int, name: str) -> None:
        self.epoch, self.number, self.name = self.epoch + 1, number + 1, name

    def find(
        self, what: str, pointers: npt.NDArray[Any], mask: npt.NDArray[np.bool_], width: int
    ) -> Iterator[tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """By storage the bytes at which lanes begin, and these lanes.

        Raises:
            GuardError: a lane is outside every storage.
        """
        shape = np.broadcast_shapes(pointers.shape, mask.shape)
        lanes = np.flatnonzero(np.broadcast_to(mask, shape))
        addresses = np.broadcast_to(pointers, shape).reshape(-1)[lanes].astype(np.uint64)
        if not addresses.size:
            return iter(())
        if not self.starts.size:
            msg = f"{what} of {self.name} in a launch without tensors"
            raise GuardError(msg)
        storage = np.maximum(np.searchsorted(self.starts, addresses, side="right") - 1, 0)
        at = (addresses - self.starts[storage]).astype(np.int64)  # of what is before the first storage: negative
        outside = (at < 0) | (at + width > self.sizes[storage])
        if outside.any():
            first = int(np.flatnonzero(outside)[0])
            msg = (
                f"{what} out of bounds in {self.name}: {int(outside.sum())} lanes, the first at byte {int(at[first])}"
                f" of a storage of {int(self.sizes[storage[first]])} bytes"
            )
            raise GuardError(msg)
        return iter([(int(s), at[storage == s], lanes[storage == s]) for s in np.unique(storage)])

    def load(self, pointers: npt.NDArray[Any], mask: npt.NDArray[np.bool_], width: int) -> None:
        for s, at, lanes in self.find("load", pointers, mask, width):
            writer = self.writer[s][at]
            self._refuse((writer != 0) & (writer != self.number), at, "loads", "another program stores")
            self._refuse(self.written_in[s][at] == self.epoch, at, "loads", "it stored, with no barrier since,")
            reader = self.reader[s][at]
            self.reader[s][at] = np.where((reader == 0) | (reader == self.number), self.number, -1)
            other = (self.read_in[s][at] == self.epoch) & (self.read_by[s][at] != lanes)
            self.read_by[s][at] = EVERY_LANE if pointers.size == 1 else np.where(other, EVERY_LANE, lanes)
            self.read_in[s][at] = self.epoch

    def store(self, pointers: npt.NDArray[Any], mask: npt.NDArray[np.bool_], width: int) -> None:
        for s, at, lanes in self.find("store", pointers, mask, width):
            if np.unique(at).size != at.size:
                msg = f"race: two lanes of {self.name} store to one address"
                raise GuardError(msg)
            writer, reader = self.writer[s][at], self.reader[s][at]
            self._refuse((writer != 0) & (writer != self.number), at, "stores to", "another program stores")
            self._refuse((reader != 0) & (reader != self.number), at, "stores to", "another program loads")
            unread = (self.read_in[s][at] == self.epoch) & (self.read_by[s][at] != lanes)
            self._refuse(unread, at, "stores to", "another of its lanes loads, with no barrier since,")
            self.writer[s][at], self.written_in[s][at] = self.number, self.epoch

    def _refuse(self, wrong: npt.NDArray[np.bool_], at: npt.NDArray[np.int64], does: str, who: str) -> None:
        if wrong.any():
            msg = f"race: {self.name} {does} what {who} at byte {int(at[wrong][0])} of its storage"
            raise GuardError(msg)


def _storages(values: Any) -> Iterator[tuple[int, int]]:
    """Start and bytes of the storage of every tensor among arguments, in tuples, descriptors and wrappers too."""
    for value in values:
        if hasattr(value, "untyped_storage"):
            storage = value.untyped_storage()
            yield storage.data_ptr(), storage.nbytes()
        elif isinstance(value, tuple):
            yield from _storages(value)
        elif hasattr(value, "base"):
            yield from _storages([value.base])


def _mask(mask: Any) -> npt.NDArray[np.bool_]:
    """Of a load it is a handle, of a descriptor's load an array."""
    return mask if isinstance(mask, np.ndarray) else np.asarray(mask.data)


def _width(pointers: Any) -> int:
    """Bytes of what a pointer points to."""
    return max(1, int(pointers.get_element_ty().primitive_bitwidth) // 8)
