/* gst-rfdn - enlarge video with RFDN networks on the CPU
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef RFDN_H
#define RFDN_H

/**
 * The engine of gst-rfdn: takes pictures and makes them `scale` times as large.
 *
 * Two objects, used in this order:
 *
 * - #RfdnModel: a trained network, made from the bytes of a safetensors file or from the models
 *   that are built into the library. Immutable; may be shared between threads and upscalers.
 * - #RfdnUpscaler: a model bound to one picture size, sample format and number of threads.
 *   Everything that can fail or allocate happens in rfdn_upscaler_new(); rfdn_upscaler_run() does
 *   neither.
 *
 * rfdn-filters.h has what pictures need beside a network: a filter for the planes that none sees,
 * blending, and stability in time.
 *
 * The library opens none of the user's files, starts no threads except those of pools, and prints
 * nothing.
 *
 * Words: LR is the small picture that goes in, HR the large one that comes out. A *plane* is a
 * two-dimensional array of samples, in memory in rows from top to bottom.
 */

#include <glib.h>

G_BEGIN_DECLS

#ifndef RFDN_API
#if defined(RFDN_SHARED_LIBRARY) && defined(__GNUC__)
#define RFDN_API __attribute__ ((visibility ("default"))) extern
#else
#define RFDN_API extern
#endif
#endif

/** The largest picture side, in LR pixels, that an upscaler accepts. */
#define RFDN_MAX_SIZE 32768

/** The largest factor by which anything here enlarges a picture, each way. */
#define RFDN_MAX_SCALE 8

/** The most scratch memory, in bytes, that a tile may take: see rfdn_upscaler_new(). */
#define RFDN_MAX_TILE_MEMORY (G_GUINT64_CONSTANT (2) << 30)

/* ---- errors ------------------------------------------------------------------------------- */

/** Domain of every #GError that this library sets. The message says what is wrong in one line, but
 * never names the file: only the caller knows it. */
#define RFDN_ERROR (rfdn_error_quark ())

/**
 * RfdnError:
 * @RFDN_ERROR_FORMAT: the bytes are not a well-formed safetensors file
 * @RFDN_ERROR_MODEL: well-formed, but not a network that this library knows: an unknown
 *   architecture, a missing tensor, a wrong shape, a weight that is not finite
 * @RFDN_ERROR_NOT_FOUND: no built-in model has that name, or not at that scale
 * @RFDN_ERROR_PARAMS: a parameter is out of range, or a CPU level is not available here
 * @RFDN_ERROR_NO_MEMORY: the network or the picture is too large for the available memory. This
 * covers all allocations whose size depends on them; small ones of fixed size (structs, messages,
 * the names in a file's header of 1 MiB at most) are GLib's, which aborts when there is no memory
 * at all
 * @RFDN_ERROR_PRECISION: the network, or samples of this format, cannot be computed with the
 * requested precision; with %RFDN_PRECISION_AUTO they can
 */
typedef enum {
  RFDN_ERROR_FORMAT,
  RFDN_ERROR_MODEL,
  RFDN_ERROR_NOT_FOUND,
  RFDN_ERROR_PARAMS,
  RFDN_ERROR_NO_MEMORY,
  RFDN_ERROR_PRECISION,
} RfdnError;

RFDN_API GQuark rfdn_error_quark (void);

/* ---- models ------------------------------------------------------------------------------- */

typedef struct RfdnModel RfdnModel;

/**
 * RfdnColour:
 * @RFDN_COLOUR_LUMA: one channel, the luma (Y') of a picture
 * @RFDN_COLOUR_RGB: three channels, R', G', B' in this order
 */
typedef enum {
  RFDN_COLOUR_LUMA,
  RFDN_COLOUR_RGB,
} RfdnColour;

/**
 * RfdnModelInfo:
 * @name: the file's own name for the model (metadata `name`), or ""
 * @description: one sentence about the model (metadata `description`), or ""
 * @architecture: the kind of network: "rfdn" or "reprfn"; for a file with a list of layers the name
 * that it gives, or "layers"
 * @colour: what the channels mean
 * @channels: channels in, and as many out: 1 or 3
 * @scale: HR pixels per LR pixel, in each direction: 1 to %RFDN_MAX_SCALE; 2, 3 or 4 for "rfdn" and
 * "reprfn"
 * @features: width of the network: channels of its features (nf in the papers), or of the widest
 * map in a list of layers
 * @blocks: number of residual blocks; 0 for a list of layers
 * @attention: whether it pools, as ESA does at the end of blocks, which makes the receptive field
 * larger than any possible overlap of tiles
 * @input_range: the largest sample value as the network sees it: 255 or 1 in most
 * @halo: LR pixels on each side that an output pixel depends on through convolutions alone
 * @macs: multiply-adds per LR pixel, attention included; without those of zeros that kernels skip
 * @parameters: number of weights and biases
 * @has_steps: whether it has the steps needed to compute it in 16-bit integers: see #RfdnPrecision
 * @has_siblings: whether its file has sharper and softer weights as well: see rfdn_model_sharpen()
 *
 * Describes a model. All strings are UTF-8, never %NULL, and live as long as the model.
 */
typedef struct {
  const char *name;
  const char *description;
  const char *architecture;
  RfdnColour colour;
  guint channels;
  guint scale;
  guint features;
  guint blocks;
  gboolean attention;
  float input_range;
  guint halo;
  guint64 macs;
  guint64 parameters;
  gboolean has_steps;
  gboolean has_siblings;
} RfdnModelInfo;

/**
 * rfdn_model_new:
 * @bytes: a whole safetensors file; kept only if it has siblings (see rfdn_model_sharpen())
 * @error: (nullable): where to say what is wrong
 *
 * Reads a network. If the file's metadata have a list of `layers` (models/LAYERS.md), that defines
 * it. Otherwise architecture, width, depth, channels and scale follow from the tensors' names and
 * shapes, which are those of the networks' authors; the metadata `architecture`, `scale`,
 * `input_range` and `colour` are used if present and must not contradict the tensors.
 *
 * The bytes need not be trusted: whatever they hold, the call returns a model or an error. Limits:
 * distilled and attended parts have at most as many channels as the features. A list of layers has
 * at most 128 KiB and 2048 lines, and becomes at most 4096 layers; a map has at most 1024 channels,
 * all maps together 131072; a filter's sides are odd and at most 9; all layers together have at
 * most 2^26 weights. Reading a list takes at most 32 MiB in addition to the weights.
 *
 * Returns: (transfer full) (nullable): a model, to be released with rfdn_model_unref(), or %NULL
 * with @error set to %RFDN_ERROR_FORMAT, %RFDN_ERROR_MODEL or %RFDN_ERROR_NO_MEMORY
 */
RFDN_API RfdnModel *rfdn_model_new (GBytes *bytes, GError **error);

/**
 * rfdn_model_new_builtin:
 * @name: the name of one of rfdn_builtin_models()
 * @scale: 2, 3 or 4, or 0 for the smallest that the model has
 * @error: (nullable): where to say what is wrong; the message lists the known names
 *
 * Loads one of the models that are built into the library.
 *
 * Returns: (transfer full) (nullable): a model, or %NULL with @error set to %RFDN_ERROR_NOT_FOUND
 * or %RFDN_ERROR_NO_MEMORY
 */
RFDN_API RfdnModel *rfdn_model_new_builtin (const char *name, guint scale, GError **error);

/**
 * rfdn_model_sharpen:
 * @model: a model, sharpened or not
 * @sharpness: -1 (softest) to 1 (sharpest); 0 is the network as it was trained
 * @error: (nullable): where to say what is wrong
 *
 * Makes a sharper or softer model: a mixture of the network's weights and those of a sibling in its
 * file (models/LAYERS.md), which takes as long to compute as the network itself.
 *
 * Returns: (transfer full) (nullable): another model, or @model itself if it has no siblings and
 * @sharpness is 0; or %NULL with @error set to %RFDN_ERROR_PARAMS if it has none or @sharpness is
 * out of range, to %RFDN_ERROR_MODEL if the mixture cannot be computed, or to
 * %RFDN_ERROR_NO_MEMORY
 */
RFDN_API RfdnModel *rfdn_model_sharpen (RfdnModel *model, float sharpness, GError **error);

/** Takes another reference of @model, which must not be %NULL, and returns it. Any thread. */
RFDN_API RfdnModel *rfdn_model_ref (RfdnModel *model);

/** Releases a reference of @model; the last one frees it. Any thread; %NULL is ignored. */
RFDN_API void rfdn_model_unref (RfdnModel *model);

/** Describes @model. The result belongs to the model and never changes. Any thread. */
RFDN_API const RfdnModelInfo *rfdn_model_get_info (const RfdnModel *model);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RfdnModel, rfdn_model_unref)

/**
 * RfdnBuiltin:
 * @name: the handle that users type
 * @description: one sentence on what the model is good for
 * @scales: a bit mask: bit N is set if the model has scale N (so 1 << 2 for x2)
 * @compressed: whether it is for compressed video and removes some of the artefacts, else it is for
 *   sources without visible compression
 */
typedef struct {
  const char *name;
  const char *description;
  guint scales;
  gboolean compressed;
} RfdnBuiltin;

/** The built-in models, the default first; the list ends with a %NULL name. */
RFDN_API const RfdnBuiltin *rfdn_builtin_models (void);

/* ---- planes ------------------------------------------------------------------------------- */

/**
 * RfdnPlane:
 * @data: the first sample of the first row
 * @stride: bytes from a row to the next; may be negative, and need not be a multiple of anything
 *   but the sample's alignment
 * @pixel_stride: bytes from a sample to the next in a row: the sample's size for a plane of its
 *   own, more where components are interleaved (3 for RGB, 2 for the chroma of NV12)
 *
 * Where the samples of one component lie. Only the samples are ever read or written: neither the
 * padding of rows nor the components in between.
 */
typedef struct {
  void *data;
  gssize stride;
  gsize pixel_stride;
} RfdnPlane;

/**
 * RfdnSamples:
 * @RFDN_SAMPLES_U8: unsigned integers of 8 bits
 * @RFDN_SAMPLES_U16: unsigned integers of 16 bits in the machine's own byte order
 * @RFDN_SAMPLES_F32: 32-bit floating point, neither rounded nor clamped, in the network's own range
 *   (#RfdnModelInfo.input_range); for tests and analysis
 */
typedef enum {
  RFDN_SAMPLES_U8,
  RFDN_SAMPLES_U16,
  RFDN_SAMPLES_F32,
} RfdnSamples;

/**
 * RfdnSampleFormat:
 * @samples: how a sample is stored
 * @depth: significant bits of an integer sample: 8 for U8, 9 to 16 for U16 (8 is allowed too)
 * @shift: unused low bits below them, zero on output: 6 for P010, else 0
 *
 * How the samples of all planes of a picture are stored. The value 2^depth - 1 is the network's
 * `input_range`; video-range luma therefore reaches the network with its code values unchanged. All
 * fields of a F32 format but @samples are ignored.
 */
typedef struct {
  RfdnSamples samples;
  guint depth;
  guint shift;
} RfdnSampleFormat;

/* ---- the upscaler ------------------------------------------------------------------------- */

/**
 * RfdnCpu: the instruction sets that the engine has code for. A level is available if this build
 * has it and both the processor and the operating system support it.
 * @RFDN_CPU_AUTO: the best available, or what the environment variable `RFDN_CPU` names
 * @RFDN_CPU_SCALAR: plain C, the reference that all others are tested against
 * @RFDN_CPU_SSE2: x86-64's own 128-bit vectors
 * @RFDN_CPU_AVX2: 256-bit vectors with fused multiply-add
 * @RFDN_CPU_AVX_VNNI: AVX2, with instructions that multiply and accumulate integers (AVX-VNNI);
 * floats are computed as at %RFDN_CPU_AVX2
 * @RFDN_CPU_AVX512: 512-bit vectors (AVX-512 F, BW, DQ, VL)
 * @RFDN_CPU_AVX512_VNNI: the same with AVX512-VNNI; floats as at %RFDN_CPU_AVX512
 * @RFDN_CPU_NEON: aarch64's 128-bit vectors with fused multiply-add
 */
typedef enum {
  RFDN_CPU_AUTO,
  RFDN_CPU_SCALAR,
  RFDN_CPU_SSE2,
  RFDN_CPU_AVX2,
  RFDN_CPU_AVX_VNNI,
  RFDN_CPU_AVX512,
  RFDN_CPU_AVX512_VNNI,
  RFDN_CPU_NEON,
} RfdnCpu;

/** The name of a level as `RFDN_CPU` takes it ("avx2"), or %NULL if @cpu is not one. */
RFDN_API const char *rfdn_cpu_get_name (RfdnCpu cpu);

/** Whether @cpu can be used in this process. */
RFDN_API gboolean rfdn_cpu_is_available (RfdnCpu cpu);

/**
 * RfdnPool: threads to compute with, shared by upscalers and resamplers that never run at the same
 * time, such as those of one video stream.
 */
typedef struct RfdnPool RfdnPool;

/**
 * rfdn_pool_new:
 * @n_threads: threads, the one that calls rfdn_upscaler_run() included; 0 = as many processors as
 * the process may use (affinity and control group), see rfdn_available_threads(). Such pools share
 * the processors: working at the same time, they use about as many threads as there are processors,
 * not a multiple of that
 *
 * Starts the threads, which sleep while there is nothing to do. If the system does not let the
 * process start that many, there are fewer: see rfdn_pool_get_n_threads(). If there are none, the
 * calling thread does the work.
 *
 * Returns: (transfer full): a pool
 */
RFDN_API RfdnPool *rfdn_pool_new (guint n_threads);

/**
 * rfdn_pool_get_n_threads:
 * @self: the pool
 * @wanted: (out) (optional): how many there should be
 *
 * Tells how many threads compute, the one that calls rfdn_upscaler_run() included. There are fewer
 * than @wanted if the process hits a limit (of its control group or user): then half of those that
 * could be started, because the rest of the process needs threads too.
 *
 * Returns: 1 or more
 */
RFDN_API guint rfdn_pool_get_n_threads (const RfdnPool *self, guint *wanted);

/** Takes a reference; any thread may. */
RFDN_API RfdnPool *rfdn_pool_ref (RfdnPool *self);

/** Releases a reference; the last one ends the threads. %NULL is ignored. */
RFDN_API void rfdn_pool_unref (RfdnPool *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RfdnPool, rfdn_pool_unref)

/**
 * RfdnPrecision:
 * @RFDN_PRECISION_FLOAT32: 32-bit floating-point numbers. Processors round differently: results
 * differ by less than a level
 * @RFDN_PRECISION_INT16: 16-bit integers with 32-bit sums. The same bits on every processor, at
 * every CPU level, with any number of threads and any tiles (a network with attention: with the
 * same tiles, since they decide what it sees); in half the memory. For 8-bit samples and models
 * that carry steps (#RfdnModelInfo.has_steps)
 * @RFDN_PRECISION_AUTO: integers where they are possible and faster, else floats
 *
 * The numbers that a network computes with.
 */
typedef enum {
  RFDN_PRECISION_FLOAT32,
  RFDN_PRECISION_INT16,
  RFDN_PRECISION_AUTO,
} RfdnPrecision;

/** The tile overlap that is needed to be seamless, in #RfdnUpscalerParams.tile_overlap. */
#define RFDN_TILE_OVERLAP_AUTO (-1)

/**
 * RfdnUpscalerParams:
 * @width: LR pixels in a row, 1 to %RFDN_MAX_SIZE
 * @height: LR rows, 1 to %RFDN_MAX_SIZE
 * @format: of the samples, in and out
 * @n_threads: threads to compute with, the calling one included; 0 = as many as the process may
 *   use: the size of a pool of the upscaler's own, see rfdn_pool_new()
 * @tile_size: width of the rectangles that the picture is computed in, in LR pixels, up to
 *   %RFDN_MAX_SIZE; 0 = chosen from the network, the picture's size and the memory that it takes;
 *   without attention, where it changes no sample, from the processor's caches as well
 * @tile_height: their height; 0 = square. Ignored without a @tile_size
 * @tile_overlap: LR pixels that a tile sees beyond each of its sides; %RFDN_TILE_OVERLAP_AUTO =
 * as many as it takes to be seamless. Values below the network's minimum are raised to it
 * @cpu: instruction set; %RFDN_CPU_AUTO unless for tests and measurements
 * @pool: (nullable): the threads to compute with, instead of @n_threads; a reference is taken
 * @precision: the numbers to compute with; %RFDN_PRECISION_FLOAT32 by default
 *
 * How to compute. Zero in every field but the first three is the default, except that of
 * @tile_overlap, which is -1: start from %RFDN_UPSCALER_PARAMS_INIT.
 */
typedef struct {
  guint width;
  guint height;
  RfdnSampleFormat format;
  guint n_threads;
  guint tile_size;
  guint tile_height;
  gint tile_overlap;
  RfdnCpu cpu;
  RfdnPool *pool;
  RfdnPrecision precision;
} RfdnUpscalerParams;

#define RFDN_UPSCALER_PARAMS_INIT                                                                  \
  {                                                                                                \
    .format = {.samples = RFDN_SAMPLES_U8, .depth = 8}, .tile_overlap = RFDN_TILE_OVERLAP_AUTO     \
  }

typedef struct RfdnUpscaler RfdnUpscaler;

/**
 * rfdn_upscaler_new:
 * @model: the network; the upscaler takes a reference of its own
 * @params: how to compute; copied
 * @error: (nullable): where to say what is wrong
 *
 * Binds a model to a picture size: packs the weights, lays out the tiles, allocates all scratch
 * memory.
 *
 * A network with attention needs 15 LR pixels in each direction. A smaller picture is padded to
 * that size by repeating its last column and row, and the output is cropped.
 *
 * A tile takes at most %RFDN_MAX_TILE_MEMORY. Networks or tiles that need more are refused with
 * %RFDN_ERROR_NO_MEMORY before anything is allocated; tiles that the library chooses take about 256
 * MiB.
 *
 * Returns: (transfer full) (nullable): an upscaler, or %NULL with @error set to
 *   %RFDN_ERROR_PARAMS, %RFDN_ERROR_PRECISION or %RFDN_ERROR_NO_MEMORY
 */
RFDN_API RfdnUpscaler *rfdn_upscaler_new (RfdnModel *model, const RfdnUpscalerParams *params,
                                          GError **error);

/**
 * rfdn_upscaler_run:
 * @self: the upscaler; used by one thread at a time
 * @in: as many planes as the model has channels, `width` x `height` samples each
 * @out: as many planes of `scale * width` x `scale * height` samples each, not overlapping @in
 *
 * Enlarges one picture. Allocates nothing and cannot fail. The samples written depend on the
 * input, the model, the CPU level and the tiles, never on the number of threads.
 *
 * Returns: %TRUE if the picture is complete; %FALSE if the run was abandoned: see
 * rfdn_upscaler_set_cancelled()
 */
RFDN_API gboolean rfdn_upscaler_run (RfdnUpscaler *self, const RfdnPlane *in, const RfdnPlane *out);

/**
 * RfdnArea:
 *
 * A rectangle of a picture, in pixels.
 */
typedef struct {
  guint x, y;
  guint width, height;
} RfdnArea;

/** The number of tiles that @self computes a picture in: `tile_size` apart, row by row. */
RFDN_API guint rfdn_upscaler_get_n_tiles (const RfdnUpscaler *self);

/**
 * rfdn_upscaler_get_tile:
 * @tile: a number below rfdn_upscaler_get_n_tiles()
 * @area: (out): the LR pixels that it enlarges
 * @seen: (out) (optional): the LR pixels that its output is computed from, bit for bit. That also
 * holds with attention: pixels beyond have no influence on a tile, although they have on a whole
 * picture
 */
RFDN_API void rfdn_upscaler_get_tile (const RfdnUpscaler *self, guint tile, RfdnArea *area,
                                      RfdnArea *seen);

/** Multiply-adds for a whole picture, counting those that overlapping tiles do twice. */
RFDN_API double rfdn_upscaler_get_work (const RfdnUpscaler *self);

/**
 * rfdn_upscaler_run_tiles:
 * @self: the upscaler; used by one thread at a time
 * @in: as for rfdn_upscaler_run()
 * @out: likewise; nothing but the tiles' areas is written
 * @tiles: (array length=n): numbers of tiles, the most important first
 * @n: how many
 * @deadline: the time of g_get_monotonic_time() at which to have returned; %G_MAXINT64 for none
 *
 * Enlarges parts of a picture: the first of @tiles, as many as are expected to be done in time,
 * judging by the previous run. Without attention, each is the same as in the result of
 * rfdn_upscaler_run(), whatever its tiles are.
 *
 * Returns: how many were done; 0 if the run was abandoned, whatever it had written
 */
RFDN_API guint rfdn_upscaler_run_tiles (RfdnUpscaler *self, const RfdnPlane *in,
                                        const RfdnPlane *out, const guint *tiles, guint n,
                                        gint64 deadline);

/** Seconds that a tile took recently, with all threads at work: the time of the last
 * rfdn_upscaler_run_tiles() divided by its number of tiles, smoothed; 0 before there was one. */
RFDN_API double rfdn_upscaler_get_tile_time (const RfdnUpscaler *self);

/**
 * rfdn_upscaler_set_cancelled:
 * @self: the upscaler
 * @cancelled: whether to cancel
 *
 * Makes a run in progress return within about a millisecond, and later ones at once, with any part
 * of the picture unwritten, until it is called with %FALSE. A run in progress stays abandoned even
 * then. Any thread may call it at any time.
 */
RFDN_API void rfdn_upscaler_set_cancelled (RfdnUpscaler *self, gboolean cancelled);

/**
 * rfdn_upscaler_describe:
 *
 * Tells in one line what was chosen: CPU level, threads, tiles and overlap, scratch memory.
 *
 * Returns: (transfer full): a string to be freed with g_free()
 */
RFDN_API char *rfdn_upscaler_describe (const RfdnUpscaler *self);

/** Frees @self and everything it holds; %NULL is ignored. Not while it runs. */
RFDN_API void rfdn_upscaler_free (RfdnUpscaler *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RfdnUpscaler, rfdn_upscaler_free)

/** The number of processors that this process may use: the smaller one of its affinity mask and
 * its control group's quota (rounded up), at least 1. What `n_threads` 0 stands for. */
RFDN_API guint rfdn_available_threads (void);

G_END_DECLS

#endif /* RFDN_H */
