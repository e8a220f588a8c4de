"""How weights lie in memory, and what becomes of memory that a step no longer needs."""

import ctypes
import platform

import torch
from torch import nn

# mallopt's parameters, from malloc.h of the GNU C library.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGE, MEDIUM = 2**30, 2**23


def channels_last(model: nn.Module) -> nn.Module:
    """Lays the weights of 2-D convolutions out with their channels innermost; returns `model`.

    The CPU convolves images in that layout faster, and the answers are the same up to rounding.
    """
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def plain(model: nn.Module) -> bool:
    """Whether its parameters are whole tensors, and not parts that processes share."""
    return all(type(parameter) is nn.Parameter for parameter in model.parameters())


def learning_layout(model: nn.Module) -> torch.memory_format:
    """The layout of images and weights in which a network learns faster.

    Forward, channels innermost is the faster one everywhere. Backward, a processor takes twice as
    long in it through 3 x 3 kernels on large maps, and gains in batch normalization and in 1 x 1
    kernels. So plain chains as AlexNet and VGG learn with their channels outermost (VGG-16 in 0.79
    of the time, AlexNet in 0.93), all others with their channels innermost (ResNet-18 in 0.90,
    GoogLeNet in 0.76; one core, AVX2), but for those that set `outermost`: their 3 x 3 kernels run
    over rows longer than the first cache (U-Net of 32 channels at 256 x 256 in 0.72, DeepLab on
    EfficientNet-Lite0 in 0.80).
    """
    if not plain(model):
        return torch.contiguous_format
    mixes = not getattr(model, "outermost", False) and any(
        isinstance(layer, nn.BatchNorm2d)
        or (isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1))
        for layer in model.modules()
    )
    on_gpu = any(parameter.is_cuda for parameter in model.parameters())
    return torch.channels_last if mixes or on_gpu else torch.contiguous_format


def keep_memory() -> bool:
    """Has this process keep the memory it frees, for its next request; returns whether it does.

    A step of learning asks for the same hundreds of megabytes as the step before it. By default the
    GNU C library hands blocks of that size back to the system each time and is then given them
    anew, filled with zeros page by page: up to a third of a step. Other libraries are left alone.
    """
    return _kept_from(LARGE)


def return_memory() -> bool:
    """Has this process give every block of 8 MiB or more back as it is freed; returns whether it
    does.

    By default the GNU C library raises that size to that of the largest block it has seen freed, up
    to 32 MiB. Blocks below it come from the heaps of many threads, whose gaps stay: a server that
    decodes pictures of every size then holds half as much again as it uses. Pillow keeps large
    pictures in blocks of 16 MiB.
    """
    return _kept_from(MEDIUM)


def _kept_from(size: int) -> bool:
    """Has memory beyond `size` bytes returned, in blocks and at the end of the heap."""
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    return bool(library.mallopt(M_MMAP_THRESHOLD, size)) and bool(
        library.mallopt(M_TRIM_THRESHOLD, min(4 * size, LARGE))
    )
