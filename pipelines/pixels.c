/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pixels.h"
#include "colour.h"
#include "filter.h"
#include "message.h"

#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include <string.h>

struct _TcPixels {
  struct SwsContext *scaler;
  TcPixelKind from, to; /* of the scaler */

  TcFilter *primaries; /* only for what changes them */
  TcPixelKind primaries_from, primaries_to;
  gboolean refused; /* a change of primaries that cannot be followed was told of */

  TcPixelKind first; /* of all frames that are to be alike */
  AVRational first_aspect;
  gboolean has_first, told; /* told: that a later frame is another */
};

TcPixels *
tc_pixels_new (void)
{
  return g_new0 (TcPixels, 1);
}

void
tc_pixels_free (TcPixels *self)
{
  if (self == NULL)
    return;
  sws_freeContext (self->scaler);
  tc_filter_free (self->primaries);
  g_free (self);
}

/* ---- what a frame is ------------------------------------------------------------------------ */

enum AVColorSpace
tc_pixels_guess_matrix (int width, int height)
{
  return width >= 1280 || height > 576 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
}

/* What the frame says of itself; RGB is of full range and has no matrix, whatever it says. */
static TcPixelKind
kind_of (const AVFrame *frame)
{
  gboolean full;
  TcPixelKind kind = {.format = tc_format_plain (frame->format, &full),
                      .width = frame->width,
                      .height = frame->height,
                      .range = frame->color_range,
                      .matrix = frame->colorspace,
                      .primaries = frame->color_primaries,
                      .transfer = frame->color_trc,
                      .site = frame->chroma_location};

  /* H.264's decoder keeps the format when only the range changes. */
  if (full && kind.range == AVCOL_RANGE_UNSPECIFIED)
    kind.range = AVCOL_RANGE_JPEG;
  if (tc_format_is_rgb (kind.format)) {
    kind.range = AVCOL_RANGE_JPEG;
    kind.matrix = AVCOL_SPC_RGB;
  } else if (kind.matrix == AVCOL_SPC_RGB) {
    kind.matrix = AVCOL_SPC_UNSPECIFIED;
  }
  /* So FFmpeg and GStreamer have it; of floats FFmpeg thinks otherwise, their makers do not. */
  if (kind.range == AVCOL_RANGE_UNSPECIFIED && tc_format_is_gray (kind.format))
    kind.range = AVCOL_RANGE_JPEG;
  return kind;
}

TcPixelKind
tc_pixels_ask (enum AVPixelFormat format, int width, int height)
{
  return (TcPixelKind){.format = format,
                       .width = width,
                       .height = height,
                       .range = AVCOL_RANGE_UNSPECIFIED,
                       .matrix = AVCOL_SPC_UNSPECIFIED,
                       .primaries = AVCOL_PRI_UNSPECIFIED,
                       .transfer = AVCOL_TRC_UNSPECIFIED,
                       .site = AVCHROMA_LOC_UNSPECIFIED};
}

static void
set_kind (AVFrame *frame, const TcPixelKind *kind)
{
  frame->format = kind->format;
  frame->width = kind->width;
  frame->height = kind->height;
  frame->color_range = kind->range;
  frame->colorspace = kind->matrix;
  frame->color_primaries = kind->primaries;
  frame->color_trc = kind->transfer;
  frame->chroma_location = kind->site;
}

static enum AVColorSpace
resolved_matrix (const TcPixelKind *kind)
{
  /* On its way from RGB to RGB a pixel may be YUV for a moment: any, but twice the same. */
  if (kind->matrix == AVCOL_SPC_RGB)
    return AVCOL_SPC_SMPTE170M;
  return kind->matrix != AVCOL_SPC_UNSPECIFIED ? kind->matrix
                                               : tc_pixels_guess_matrix (kind->width, kind->height);
}

static gboolean
is_full (const TcPixelKind *kind)
{
  return kind->range == AVCOL_RANGE_JPEG;
}

/* Where `to` leaves something open, what `from` has stays. */
static TcPixelKind
complete (const TcPixelKind *from, const TcPixelKind *to)
{
  TcPixelKind kind = *to;
  gboolean from_rgb = tc_format_is_rgb (from->format), to_rgb = tc_format_is_rgb (to->format);

  if (kind.range == AVCOL_RANGE_UNSPECIFIED && !to_rgb && !from_rgb)
    kind.range = from->range;
  if (kind.matrix == AVCOL_SPC_UNSPECIFIED && !to_rgb)
    kind.matrix = from_rgb ? tc_pixels_guess_matrix (to->width, to->height) : from->matrix;
  if (kind.primaries == AVCOL_PRI_UNSPECIFIED)
    kind.primaries = from->primaries;
  if (kind.transfer == AVCOL_TRC_UNSPECIFIED)
    kind.transfer = from->transfer;
  if (kind.site == AVCHROMA_LOC_UNSPECIFIED)
    kind.site = from->site;
  return kind;
}

/* ---- swscale -------------------------------------------------------------------------------- */

/* Where chroma lies, in 256ths of a pixel of luma; -513 is swscale's word for "in between". */
static void
set_site (struct SwsContext *scaler, const char *across, const char *down, const TcPixelKind *kind)
{
  const AVPixFmtDescriptor *description = av_pix_fmt_desc_get (kind->format);
  enum AVChromaLocation site =
      kind->site == AVCHROMA_LOC_UNSPECIFIED ? AVCHROMA_LOC_LEFT : kind->site;

  if (description->log2_chroma_w == 1)
    av_opt_set_int (
        scaler, across,
        site == AVCHROMA_LOC_CENTER || site == AVCHROMA_LOC_TOP || site == AVCHROMA_LOC_BOTTOM ? 128
                                                                                               : 0,
        0);
  if (description->log2_chroma_h == 1)
    av_opt_set_int (scaler, down,
                    site == AVCHROMA_LOC_TOP || site == AVCHROMA_LOC_TOPLEFT         ? 0
                    : site == AVCHROMA_LOC_BOTTOM || site == AVCHROMA_LOC_BOTTOMLEFT ? 256
                                                                                     : 128,
                    0);
}

static struct SwsContext *
make_scaler (const TcPixelKind *from, const TcPixelKind *to)
{
  struct SwsContext *scaler = sws_alloc_context ();
  int flags = SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_BITEXACT;
  gboolean gray = tc_format_is_gray (from->format) || tc_format_is_gray (to->format);
  gboolean from_full = is_full (from) && !gray, to_full = is_full (to) && !gray;

  if (scaler == NULL)
    return NULL;
  flags |= from->width != to->width || from->height != to->height ? SWS_LANCZOS : SWS_BICUBIC;
  av_opt_set_int (scaler, "sws_flags", flags, 0);
  av_opt_set_int (scaler, "srcw", from->width, 0);
  av_opt_set_int (scaler, "srch", from->height, 0);
  av_opt_set_pixel_fmt (scaler, "src_format", from->format, 0);
  av_opt_set_int (scaler, "dstw", to->width, 0);
  av_opt_set_int (scaler, "dsth", to->height, 0);
  av_opt_set_pixel_fmt (scaler, "dst_format", to->format, 0);
  /* Known from the beginning: how pixels go is decided then. Gray is of full range there. */
  av_opt_set_int (scaler, "src_range", from_full || gray, 0);
  av_opt_set_int (scaler, "dst_range", to_full || gray, 0);
  set_site (scaler, "src_h_chr_pos", "src_v_chr_pos", from);
  set_site (scaler, "dst_h_chr_pos", "dst_v_chr_pos", to);
  if (sws_init_context (scaler, NULL, NULL) < 0) {
    sws_freeContext (scaler);
    return NULL;
  }
  sws_setColorspaceDetails (scaler, sws_getCoefficients (resolved_matrix (from)), from_full,
                            sws_getCoefficients (resolved_matrix (to)), to_full, 0, 1 << 16,
                            1 << 16);
  return scaler;
}

static enum AVPixelFormat
as_yuv (enum AVPixelFormat gray)
{
  const AVPixFmtDescriptor *description = av_pix_fmt_desc_get (gray);
  gboolean alpha = (description->flags & AV_PIX_FMT_FLAG_ALPHA) != 0;

  if (description->comp[0].depth > 8)
    return alpha ? AV_PIX_FMT_YUVA444P16LE : AV_PIX_FMT_YUV444P16LE;
  return alpha ? AV_PIX_FMT_YUVA444P : AV_PIX_FMT_YUV444P;
}

static gboolean
scale_once (TcPixels *self, AVFrame *frame, const TcPixelKind *from, const TcPixelKind *to,
            GError **error)
{
  AVFrame *made;
  int result;

  if (self->scaler == NULL || memcmp (from, &self->from, sizeof *from) != 0 ||
      memcmp (to, &self->to, sizeof *to) != 0) {
    sws_freeContext (self->scaler);
    self->scaler = make_scaler (from, to);
    self->from = *from;
    self->to = *to;
  }
  if (self->scaler == NULL)
    return tc_fail (error, "%s of %dx%d cannot be converted to %s of %dx%d",
                    av_get_pix_fmt_name (from->format), from->width, from->height,
                    av_get_pix_fmt_name (to->format), to->width, to->height);
  made = av_frame_alloc ();
  if (made == NULL || av_frame_copy_props (made, frame) < 0) {
    av_frame_free (&made);
    return tc_fail (error, "out of memory");
  }
  set_kind (made, to);
  made->crop_left = made->crop_right = made->crop_top = made->crop_bottom = 0;
  result = av_frame_get_buffer (made, 0);
  if (result >= 0)
    result = sws_scale_frame (self->scaler, made, frame);
  if (result < 0) {
    av_frame_free (&made);
    return tc_fail_av (error, result, "%s cannot be converted to %s",
                       av_get_pix_fmt_name (from->format), av_get_pix_fmt_name (to->format));
  }
  av_frame_unref (frame);
  av_frame_move_ref (frame, made);
  av_frame_free (&made);
  return TRUE;
}

/* swscale does not look at the range of gray: gray is made YUV of the same range, or the other way
 * round, which changes no sample, and everything else happens to the YUV. */
static gboolean
scale (TcPixels *self, AVFrame *frame, const TcPixelKind *from, const TcPixelKind *to,
       GError **error)
{
  TcPixelKind middle = *to;

  if (tc_format_is_gray (from->format) &&
      (tc_format_is_rgb (to->format) || is_full (from) != is_full (to))) {
    middle = *from;
    middle.format = as_yuv (from->format);
    return scale_once (self, frame, from, &middle, error) &&
           scale (self, frame, &middle, to, error);
  }
  if (tc_format_is_gray (to->format) &&
      (tc_format_is_rgb (from->format) || is_full (from) != is_full (to))) {
    middle.format = as_yuv (to->format);
    return scale (self, frame, from, &middle, error) &&
           scale_once (self, frame, &middle, to, error);
  }
  return scale_once (self, frame, from, to, error);
}

/* ---- primaries and transfer, which swscale leaves alone -------------------------------------- */

/* What FFmpeg's filter "colorspace" knows. */
static gboolean
filter_takes (const TcPixelKind *kind)
{
  switch (kind->format) {
  case AV_PIX_FMT_YUV420P:
  case AV_PIX_FMT_YUV422P:
  case AV_PIX_FMT_YUV444P:
  case AV_PIX_FMT_YUV420P10LE:
  case AV_PIX_FMT_YUV422P10LE:
  case AV_PIX_FMT_YUV444P10LE:
  case AV_PIX_FMT_YUV420P12LE:
  case AV_PIX_FMT_YUV422P12LE:
  case AV_PIX_FMT_YUV444P12LE:
    return kind->transfer != AVCOL_TRC_SMPTE2084 && kind->transfer != AVCOL_TRC_ARIB_STD_B67;
  default:
    return FALSE;
  }
}

static char *
describe_filter (const TcPixelKind *from, const TcPixelKind *to)
{
  return g_strdup_printf (
      "colorspace=ispace=%s:iprimaries=%s:itrc=%s:irange=%s:space=%s:primaries=%s:trc=%s:range=%s",
      av_color_space_name (resolved_matrix (from)), av_color_primaries_name (from->primaries),
      av_color_transfer_name (from->transfer), is_full (from) ? "pc" : "tv",
      av_color_space_name (resolved_matrix (to)), av_color_primaries_name (to->primaries),
      av_color_transfer_name (to->transfer), is_full (to) ? "pc" : "tv");
}

/* A frame goes in, the same one in other colours comes out. */
static gboolean
change_primaries (TcPixels *self, AVFrame *frame, const TcPixelKind *from, const TcPixelKind *to)
{
  AVFrame *made;
  char *text;
  gboolean ok = filter_takes (from) && filter_takes (to) && from->format == to->format;

  if (ok && (self->primaries == NULL || memcmp (from, &self->primaries_from, sizeof *from) != 0 ||
             memcmp (to, &self->primaries_to, sizeof *to) != 0)) {
    tc_filter_free (self->primaries);
    text = describe_filter (from, to);
    self->primaries =
        tc_filter_new (text, frame, (AVRational){1, AV_TIME_BASE}, (AVRational){25, 1}, NULL);
    self->primaries_from = *from;
    self->primaries_to = *to;
    g_free (text);
  }
  made = av_frame_clone (frame);
  ok = ok && made != NULL && self->primaries != NULL &&
       tc_filter_push (self->primaries, made, NULL) && tc_filter_pull (self->primaries, made);
  if (ok) {
    av_frame_unref (frame);
    av_frame_move_ref (frame, made);
  }
  av_frame_free (&made);
  if (!ok && !self->refused)
    tc_note ("the primaries or the transfer of the colours change on the way (%s, %s), which is "
             "not followed",
             av_color_primaries_name (from->primaries), av_color_transfer_name (from->transfer));
  self->refused |= !ok;
  return ok;
}

/* ---- both ------------------------------------------------------------------------------------ */

gboolean
tc_pixels_convert (TcPixels *self, AVFrame *frame, const TcPixelKind *wanted, GError **error)
{
  TcPixelKind from = kind_of (frame), to = complete (&from, wanted), middle;
  gboolean told = from.primaries != AVCOL_PRI_UNSPECIFIED && from.transfer != AVCOL_TRC_UNSPECIFIED;

  if (told && (from.primaries != to.primaries || from.transfer != to.transfer)) {
    /* Format and size first: the filter changes neither. */
    middle = from;
    middle.format = to.format;
    middle.width = to.width;
    middle.height = to.height;
    middle.matrix = resolved_matrix (&from);
    if ((from.format != to.format || from.width != to.width || from.height != to.height) &&
        !scale (self, frame, &from, &middle, error))
      return FALSE;
    if (change_primaries (self, frame, &middle, &to)) {
      set_kind (frame, &to);
      return TRUE;
    }
    from = middle;
  }
  if (from.format == to.format && from.width == to.width && from.height == to.height &&
      (tc_format_is_rgb (to.format) ||
       (is_full (&from) == is_full (&to) &&
        (tc_format_is_gray (to.format) || resolved_matrix (&from) == resolved_matrix (&to))))) {
    set_kind (frame, &to);
    return TRUE;
  }
  return scale (self, frame, &from, &to, error);
}

/* ---- one kind for all ------------------------------------------------------------------------ */

static gboolean
is_alike (const TcPixelKind *a, const TcPixelKind *b)
{
  return a->format == b->format && a->width == b->width && a->height == b->height &&
         is_full (a) == is_full (b) && resolved_matrix (a) == resolved_matrix (b) &&
         a->primaries == b->primaries && a->transfer == b->transfer;
}

static char *
describe (const TcPixelKind *kind)
{
  const char *primaries =
      kind->primaries == AVCOL_PRI_UNSPECIFIED ? NULL : av_color_primaries_name (kind->primaries);

  return g_strdup_printf ("%s %dx%d, %s%s%s", av_get_pix_fmt_name (kind->format), kind->width,
                          kind->height, is_full (kind) ? "full range" : "limited range",
                          primaries != NULL ? ", " : "", primaries != NULL ? primaries : "");
}

static void
tell_change (TcPixels *self, const TcPixelKind *now)
{
  char *a = describe (&self->first), *b = describe (now);

  tc_note ("the pictures change on the way from %s (matrix %s) to %s (matrix %s); they are "
           "converted to what the first one is",
           a, av_color_space_name (resolved_matrix (&self->first)), b,
           av_color_space_name (resolved_matrix (now)));
  self->told = TRUE;
  g_free (a);
  g_free (b);
}

gboolean
tc_pixels_unify (TcPixels *self, AVFrame *frame, GError **error)
{
  TcPixelKind kind = kind_of (frame), to = self->first;
  gboolean ok = TRUE;

  if (!self->has_first) {
    self->first = kind;
    self->first_aspect = frame->sample_aspect_ratio;
    self->has_first = TRUE;
    set_kind (frame, &kind);
    return TRUE;
  }
  /* Range and matrix that are not told are what players take them for; nobody has a guess at the
   * others. */
  if (kind.primaries == AVCOL_PRI_UNSPECIFIED || to.primaries == AVCOL_PRI_UNSPECIFIED)
    kind.primaries = to.primaries;
  if (kind.transfer == AVCOL_TRC_UNSPECIFIED || to.transfer == AVCOL_TRC_UNSPECIFIED)
    kind.transfer = to.transfer;
  if (!is_alike (&kind, &self->first)) {
    if (!self->told)
      tell_change (self, &kind);
    set_kind (frame, &kind);
    if (to.matrix == AVCOL_SPC_UNSPECIFIED)
      to.matrix = resolved_matrix (&to);
    if (to.range == AVCOL_RANGE_UNSPECIFIED)
      to.range = AVCOL_RANGE_MPEG;
    ok = tc_pixels_convert (self, frame, &to, error);
  }
  if (ok)
    set_kind (frame, &self->first);
  frame->sample_aspect_ratio = self->first_aspect;
  return ok;
}
