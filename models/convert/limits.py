"""The engine's limits for a model file.  test_limits.py compares them with the engine's sources."""

TEXT = 131072  # bytes of the list of layers: MAX_TEXT of core/arch/layers.c
LINES = 2048  # MAX_LINES, there
LAYERS = 4096  # including copies that gather what a line reads: MAX_LAYERS, there
CHANNELS = 131072  # of all maps: MAX_ALL_CHANNELS of core/arch/layers-maps.c
MAP = 1024  # channels of one: RFDN_MAX_CHANNELS of core/arch/arch.h
BLOCKS = 64  # of rfdn and reprfn: RFDN_MAX_BLOCKS, there
WEIGHTS = 1 << 26  # of all layers, with biases and slopes: MAX_WEIGHTS of core/arch/layers-operations.c
SIDE = 9  # of a filter: RFDN_MAX_KERNEL of core/kernels/kernels.h
UNSHUFFLE = 4  # RFDN_MAX_UNSHUFFLE, there
EXTEND = 32  # MAX_EXTEND of core/arch/layers-metadata.c
SCALE = 8  # RFDN_MAX_SCALE of core/rfdn.h
HEADER = 1 << 20  # bytes: MAX_HEADER of core/safetensors.c
NAME = 128  # bytes of a tensor's name: MAX_NAME, there
