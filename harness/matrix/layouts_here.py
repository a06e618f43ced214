"""What of a profile a machine can run: a decoder whose layout of the weights is not to be had there is left out.

Where it is the profile's own layout, the fastest that is to be had takes its place. A profile is one file for all
machines. A matrix of one's own says what is wanted, and is refused instead.
"""

from offbook.engine.decoding.layouts.names import AUTO, LAYOUTS
from offbook.harness.settings.matrix import Matrix
from offbook.kernels.native_library import native_available

PLAIN, PACKED = LAYOUTS[0], LAYOUTS[-1]


def without_missing_layouts(profile: Matrix, device: str) -> tuple[Matrix, list[str]]:
    """The profile as it can be run here, and a line for each layout that is not to be had.

    Args:
        profile: of any machine.
        device: auto, cpu or cuda.

    Raises:
        ValueError: no such device, or none here.
    """
    lines = []
    if profile.layout not in (AUTO, PLAIN) and (reason := _missing(profile.layout, device)) is not None:
        lines.append(f"layout {profile.layout}: {reason}; the fastest that is to be had here takes its place")
        profile = profile.model_copy(update={"layout": AUTO})
    asked = {spec.layout for spec in profile.decoders.values() if spec.layout not in (None, AUTO, PLAIN)}
    missing = {name: reason for name in sorted(filter(None, asked)) if (reason := _missing(name, device)) is not None}
    kept = {name: spec for name, spec in profile.decoders.items() if spec.layout not in missing}
    lines += [
        f"left out: {', '.join(name for name, spec in profile.decoders.items() if spec.layout == layout)}: "
        f"layout {layout}: {reason}"
        for layout, reason in missing.items()
    ]
    return profile.model_copy(update={"decoders": kept}), lines


def _missing(layout: str, device: str) -> str | None:
    """Why a layout is not to be had on a device of this machine; None where it is."""
    native, found = native_available()
    if layout == PACKED and not native:
        return found
    from offbook.harness.roster.target import resolve_device  # imports torch, which a plan does without

    where = resolve_device(device).type
    return None if where == "cpu" else f"it is for the CPU, and this run is on {where}"
