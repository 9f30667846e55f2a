/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "encoder.h"
#include "colour.h"
#include "compat.h"
#include "container.h"
#include "encoder-options.h"
#include "hardware.h"
#include "message.h"
#include "target.h"

#include <libavutil/mastering_display_metadata.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include <string.h>

/* In the order they are tried: SVT-AV1 is by far the faster one, libaom takes more formats. Any
 * other encoder goes by FFmpeg's name for it. */
static const struct {
  const char *codec;
  const char *encoder;
  int crf; /* near to what the eye cannot tell: this comes after hours of enlarging */
} encoders[] = {
    {"h264", "libx264", 18},  {"hevc", "libx265", 20},     {"vp9", "libvpx-vp9", 24},
    {"av1", "libsvtav1", 28}, {"av1", "libaom-av1", 24},   {"ffv1", "ffv1", -1},
    {"png", "png", -1},       {"prores", "prores_ks", -1},
};

static const char *const presets[] = {"placebo",   "veryslow",  "slower", "slow",
                                      "medium",    "fast",      "faster", "veryfast",
                                      "superfast", "ultrafast", NULL};

static int
crf_of (const AVCodec *codec, const TcOptions *options)
{
  if (options->crf >= 0)
    return options->crf;
  for (guint i = 0; i < G_N_ELEMENTS (encoders); i++)
    if (g_str_equal (encoders[i].encoder, codec->name))
      return encoders[i].crf;
  return -1;
}

/* ---- formats -------------------------------------------------------------------------------- */

#define MAX_FORMATS 128

/* What others than the encoder can make use of the transparency, too. */
static gboolean
keeps_alpha (const AVCodec *codec, const AVOutputFormat *container)
{
  switch (codec->id) {
  case AV_CODEC_ID_VP8:
  case AV_CODEC_ID_VP9:
    return tc_container_is_matroska (container);
  case AV_CODEC_ID_H264:
  case AV_CODEC_ID_HEVC: /* x265's second layer is read by next to nothing */
    return FALSE;
  default:
    return TRUE;
  }
}

/* RGB in codecs that players expect to be YUV goes as what all of them show. */
static enum AVPixelFormat
as_players_want (const AVCodec *codec, enum AVPixelFormat source, gboolean alpha)
{
  const AVCodecDescriptor *codec_description = avcodec_descriptor_get (codec->id);
  const AVPixFmtDescriptor *description = av_pix_fmt_desc_get (source);
  gboolean deep = description->comp[0].depth > 8;

  if (!tc_format_is_rgb (source) || (codec_description->props & AV_CODEC_PROP_LOSSY) == 0)
    return source;
  if (alpha)
    return codec->id == AV_CODEC_ID_PRORES ? AV_PIX_FMT_YUVA444P10
           : deep                          ? AV_PIX_FMT_YUVA420P10
                                           : AV_PIX_FMT_YUVA420P;
  return deep ? AV_PIX_FMT_YUV420P10 : AV_PIX_FMT_YUV420P;
}

/* FFmpeg 9 lists formats that the encoder only takes with strict=experimental. */
static gboolean
is_experimental (const AVCodec *codec, enum AVPixelFormat format)
{
  const uint64_t flags = av_pix_fmt_desc_get (format)->flags;

  if (codec->id == AV_CODEC_ID_FFV1)
    return (flags & AV_PIX_FMT_FLAG_FLOAT) != 0;
  return codec->id == AV_CODEC_ID_VP9 && (flags & AV_PIX_FMT_FLAG_ALPHA) != 0 &&
         format != AV_PIX_FMT_YUVA420P;
}

/* The format nearest to `source` that the encoder takes. */
static enum AVPixelFormat
nearest_format (const AVCodec *codec, enum AVPixelFormat source, gboolean alpha)
{
  const enum AVPixelFormat *offered = tc_codec_get_pixel_formats (codec);
  enum AVPixelFormat list[MAX_FORMATS + 1], plain;
  gboolean full, full_only = TRUE, jpeg = codec->id == AV_CODEC_ID_MJPEG;
  int n = 0;

  /* What is not encoded at all is taken as it is. */
  if (offered == NULL)
    return source;
  if (codec->id == AV_CODEC_ID_GIF)
    return AV_PIX_FMT_PAL8;
  /* Most take full range in formats without a name of their own for it. JPEG has no other. */
  for (const enum AVPixelFormat *f = offered; f != NULL && *f != AV_PIX_FMT_NONE; f++)
    full_only &= tc_format_plain (*f, &full) != *f || jpeg;
  for (const enum AVPixelFormat *f = offered; f != NULL && *f != AV_PIX_FMT_NONE; f++) {
    plain = tc_format_plain (*f, &full);
    if (n < MAX_FORMATS && full == full_only && sws_isSupportedOutput (plain) &&
        !is_experimental (codec, *f) &&
        (!alpha || (av_pix_fmt_desc_get (plain)->flags & AV_PIX_FMT_FLAG_ALPHA) != 0))
      list[n++] = full_only ? *f : plain;
  }
  list[n] = AV_PIX_FMT_NONE;
  if (n == 0)
    return AV_PIX_FMT_NONE;
  return tc_format_nearest (as_players_want (codec, source, alpha), alpha, list);
}

/* What pixel-format= asks for, or AV_PIX_FMT_NONE with an error. */
static enum AVPixelFormat
asked_format (const AVCodec *codec, const char *name, GError **error)
{
  const enum AVPixelFormat *offered = tc_codec_get_pixel_formats (codec);
  enum AVPixelFormat format = av_get_pix_fmt (name);
  GString *list;

  if (format == AV_PIX_FMT_NONE) {
    tc_fail (error, "pixel-format=%s: FFmpeg has no format of this name", name);
    return AV_PIX_FMT_NONE;
  }
  list = g_string_new (NULL);
  for (const enum AVPixelFormat *f = offered; f != NULL && *f != AV_PIX_FMT_NONE; f++) {
    if (*f == format && sws_isSupportedOutput (format)) {
      g_string_free (list, TRUE);
      return format;
    }
    g_string_append_printf (list, "%s%s", list->len > 0 ? ", " : "", av_get_pix_fmt_name (*f));
  }
  tc_fail (error, "pixel-format=%s: the encoder %s takes %s", name, codec->name, list->str);
  g_string_free (list, TRUE);
  return AV_PIX_FMT_NONE;
}

/* ---- which encoder -------------------------------------------------------------------------- */

static const char *
default_codec (const AVOutputFormat *container, const TcOptions *options)
{
  const char *codec = tc_target_get_codec (container, options->out);

  if (codec != NULL)
    return codec;
  if (avformat_query_codec (container, AV_CODEC_ID_H264, FF_COMPLIANCE_NORMAL) == 1)
    return "h264";
  if (avformat_query_codec (container, AV_CODEC_ID_VP9, FF_COMPLIANCE_NORMAL) == 1)
    return "vp9";
  return "h264";
}

static gboolean
check_preset (const char *preset, GError **error)
{
  if (preset == NULL || (g_ascii_isdigit (preset[0]) && preset[1] == '\0'))
    return TRUE;
  for (guint i = 0; presets[i] != NULL; i++)
    if (g_str_equal (presets[i], preset))
      return TRUE;
  return tc_fail (error, "preset=%s: ultrafast to veryslow is wanted, or 0 to 9", preset);
}

/* What the encoder would make of `source`, or FALSE where it takes nothing of the kind. */
static gboolean
try_encoder (TcEncoderChoice *choice, const AVCodec *codec, const TcOptions *options,
             const AVOutputFormat *container, enum AVPixelFormat source, gboolean alpha,
             GError **error)
{
  *choice = (TcEncoderChoice){codec, AV_PIX_FMT_NONE, FALSE, NULL};
  if (!tc_hardware_open (codec, &choice->device, error))
    return FALSE;
  if (choice->device != NULL) {
    choice->format = tc_hardware_choose_format (choice->device, source);
  } else if (options->pixel_format != NULL) {
    choice->format = asked_format (codec, options->pixel_format, error);
  } else {
    if (alpha && keeps_alpha (codec, container))
      choice->format = nearest_format (codec, source, TRUE);
    if (choice->format == AV_PIX_FMT_NONE)
      choice->format = nearest_format (codec, source, FALSE);
  }
  if (choice->format == AV_PIX_FMT_NONE) {
    av_buffer_unref (&choice->device);
    return tc_fail (error, "the encoder %s takes no format of pictures that is handled",
                    codec->name);
  }
  choice->alpha = alpha && keeps_alpha (codec, container) &&
                  (av_pix_fmt_desc_get (choice->format)->flags & AV_PIX_FMT_FLAG_ALPHA) != 0;
  return TRUE;
}

/* Tells what of the source's pixels does not come through. */
static void
tell_losses (const TcEncoderChoice *choice, enum AVPixelFormat source, gboolean alpha)
{
  const char *from = av_get_pix_fmt_name (source), *to = av_get_pix_fmt_name (choice->format);

  if (alpha && !choice->alpha)
    tc_note ("the transparency is lost: %s in this container does not keep it; vp9 in webm, ffv1, "
             "prores and png do",
             choice->codec->name);
  if (!tc_format_keeps (source, choice->format))
    tc_note ("%s is encoded as %s by %s; pixel-format= chooses another format", from, to,
             choice->codec->name);
}

gboolean
tc_encoder_choose (TcEncoderChoice *choice, const TcOptions *options,
                   const AVOutputFormat *container, const AVFrame *first, GError **error)
{
  const char *name = options->codec != NULL ? options->codec : default_codec (container, options);
  gboolean alpha = tc_frame_has_alpha (first), full;
  enum AVPixelFormat source = tc_format_plain (first->format, &full);
  const AVCodec *codec;
  GError *own_error = NULL;

  *choice = (TcEncoderChoice){NULL, AV_PIX_FMT_NONE, FALSE, NULL};
  if (!check_preset (options->preset, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (encoders); i++) {
    TcEncoderChoice one;

    if (!g_str_equal (encoders[i].codec, name) ||
        (codec = avcodec_find_encoder_by_name (encoders[i].encoder)) == NULL)
      continue;
    if (avformat_query_codec (container, codec->id, FF_COMPLIANCE_NORMAL) == 0)
      return tc_fail (error, "%s cannot hold %s video; choose another codec= or extension",
                      container->name, name);
    g_clear_error (&own_error);
    if (!try_encoder (&one, codec, options, container, source, alpha, &own_error))
      continue;
    if (choice->codec == NULL || tc_format_keeps (source, one.format))
      *choice = one;
    if (tc_format_keeps (source, one.format))
      break;
  }
  if (choice->codec == NULL && own_error == NULL &&
      (codec = avcodec_find_encoder_by_name (name)) != NULL) {
    if (codec->type != AVMEDIA_TYPE_VIDEO)
      return tc_fail (error, "codec=%s: is no encoder of video", name);
    if (avformat_query_codec (container, codec->id, FF_COMPLIANCE_NORMAL) == 0)
      return tc_fail (error, "%s cannot hold %s video; choose another codec= or extension",
                      container->name, name);
    try_encoder (choice, codec, options, container, source, alpha, &own_error);
  }
  if (choice->codec == NULL || choice->format == AV_PIX_FMT_NONE) {
    if (own_error != NULL)
      g_propagate_error (error, own_error);
    else
      tc_fail (error,
               "codec=%s: this FFmpeg has no encoder of that name (h264, hevc, vp9, av1, "
               "ffv1, prores, png, or one of ffmpeg -encoders)",
               name);
    return FALSE;
  }
  g_clear_error (&own_error);
  tell_losses (choice, source, alpha);
  return tc_encoder_options_check (choice->codec, options->encoder_options, error);
}

void
tc_encoder_choice_clear (TcEncoderChoice *choice)
{
  av_buffer_unref (&choice->device);
}

TcPixelKind
tc_encoder_get_kind (const TcEncoderChoice *choice, const AVFrame *frame)
{
  gboolean full, from_rgb = tc_format_is_rgb (frame->format);
  TcPixelKind kind =
      tc_pixels_ask (tc_format_plain (choice->format, &full), frame->width, frame->height);

  if (full)
    kind.range = AVCOL_RANGE_JPEG;
  else if (from_rgb && !tc_format_is_rgb (kind.format))
    kind.range = AVCOL_RANGE_MPEG;
  /* Where H.264's decoders, and others', expect it. */
  if (from_rgb)
    kind.site = AVCHROMA_LOC_LEFT;
  return kind;
}

/* ---- settings ------------------------------------------------------------------------------- */

/* The effort as those encoders count it that have no names for it: 0 is the slowest. */
static int
speed_of (const char *preset, int medium)
{
  if (preset == NULL)
    return medium;
  if (g_ascii_isdigit (preset[0]))
    return preset[0] - '0';
  for (int i = 0; presets[i] != NULL; i++)
    if (g_str_equal (presets[i], preset))
      return i;
  return medium;
}

static const char *
name_of (const char *preset)
{
  if (preset == NULL)
    return "medium";
  return g_ascii_isdigit (preset[0]) ? presets[preset[0] - '0'] : preset;
}

static int
in_units (AVRational value, int units)
{
  return value.den == 0 ? 0 : (int) av_rescale (value.num, units, value.den);
}

static int
threads_of (const TcOptions *options)
{
  return options->encoder_threads > 0 ? options->encoder_threads : options->threads;
}

/* The encoders of this FFmpeg do not look at the side data of frames for these. */
static char *
hdr_params (const AVFrame *frame, const AVStream *source, gboolean x265, int threads)
{
  const AVMasteringDisplayMetadata *display = NULL;
  const AVContentLightMetadata *light = NULL;
  AVFrameSideData *data;
  GString *text = g_string_new (x265 ? "log-level=error" : NULL);

  /* Of its pools of threads FFmpeg does not tell x265. */
  if (x265 && threads > 0)
    g_string_append_printf (text, ":pools=%d", threads);

  data = av_frame_get_side_data (frame, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
  if (data != NULL)
    display = (const void *) data->data;
  else
    display = (const void *) tc_stream_get_side_data (source,
                                                      AV_PKT_DATA_MASTERING_DISPLAY_METADATA, NULL);
  data = av_frame_get_side_data (frame, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
  if (data != NULL)
    light = (const void *) data->data;
  else
    light = (const void *) tc_stream_get_side_data (source, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, NULL);

  if (display != NULL && display->has_primaries && display->has_luminance) {
    const AVRational (*p)[2] = display->display_primaries;

    g_string_append_printf (
        text, "%s%s=G(%d,%d)B(%d,%d)R(%d,%d)WP(%d,%d)L(%d,%d)", text->len ? ":" : "",
        x265 ? "hdr10=1:master-display" : "mastering-display", in_units (p[1][0], 50000),
        in_units (p[1][1], 50000), in_units (p[2][0], 50000), in_units (p[2][1], 50000),
        in_units (p[0][0], 50000), in_units (p[0][1], 50000),
        in_units (display->white_point[0], 50000), in_units (display->white_point[1], 50000),
        in_units (display->max_luminance, 10000), in_units (display->min_luminance, 10000));
  }
  if (light != NULL)
    g_string_append_printf (text, "%s%s=%u,%u", text->len ? ":" : "", x265 ? "max-cll" : "cll",
                            light->MaxCLL, light->MaxFALL);
  return g_string_free (text, FALSE);
}

static gboolean
is_444 (enum AVPixelFormat format)
{
  return av_pix_fmt_desc_get (format)->log2_chroma_w == 0;
}

/* Whether the encoder has an option of its own of this name. */
static gboolean
has_option (const AVCodec *codec, const char *name)
{
  return codec->priv_class != NULL &&
         av_opt_find ((void *) &codec->priv_class, name, NULL, 0, AV_OPT_SEARCH_FAKE_OBJ) != NULL;
}

/* Encoders that count quality in another way than crf, the more so those of devices: without a word
 * about it most of them would keep to 200 kbit/s. */
static void
set_quality (AVCodecContext *encoder, AVDictionary **settings, const TcOptions *options)
{
  const AVCodec *codec = encoder->codec;
  const AVCodecDescriptor *description = avcodec_descriptor_get (codec->id);
  int crf = crf_of (codec, options);

  if ((description->props & AV_CODEC_PROP_LOSSY) == 0)
    return;
  if (has_option (codec, "crf")) {
    av_dict_set_int (settings, "crf", crf >= 0 ? crf : 20, 0);
  } else if (has_option (codec, "cq")) {
    av_dict_set_int (settings, "cq", crf >= 0 ? crf : 20, 0);
    av_dict_set (settings, "b", "0", 0);
  } else if (g_str_has_suffix (codec->name, "_vaapi") || g_str_has_suffix (codec->name, "_qsv")) {
    encoder->global_quality = crf >= 0 ? MAX (crf, 1) : 20;
  } else if (crf >= 0 || codec->id != AV_CODEC_ID_PRORES) { /* whose profile tells how good it is */
    encoder->flags |= AV_CODEC_FLAG_QSCALE;
    encoder->global_quality = FF_QP2LAMBDA * (crf >= 0 ? MAX (crf, 1) : 2);
  }
}

static AVDictionary *
settings_for (const TcEncoderChoice *choice, const TcOptions *options, const AVFrame *first,
              const AVStream *source)
{
  const AVCodec *codec = choice->codec;
  AVDictionary *settings = NULL;
  char *hdr;

  if (g_str_equal (codec->name, "libx264") || g_str_equal (codec->name, "libx265")) {
    gboolean x265 = codec->id == AV_CODEC_ID_HEVC;

    hdr = hdr_params (first, source, x265, threads_of (options));
    av_dict_set (&settings, "preset", name_of (options->preset), 0);
    /* Captions are put in by this program; where the encoder can as well, they would be there
     * twice. A layer of Dolby Vision's would need more than is left of it. */
    if (x265)
      av_dict_set (&settings, "a53cc", "0", 0);
    av_dict_set (&settings, "dolbyvision", "0", 0);
    if (hdr[0] != '\0')
      av_dict_set (&settings, x265 ? "x265-params" : "x264-params", hdr, 0);
    g_free (hdr);
  } else if (g_str_equal (codec->name, "libsvtav1")) {
    av_dict_set_int (&settings, "preset", speed_of (options->preset, 7) + 2, 0);
  } else if (codec->id == AV_CODEC_ID_VP9 || codec->id == AV_CODEC_ID_AV1) {
    /* Without a bit rate of 0 the encoder would keep to 200 kbit/s whatever the quality. */
    av_dict_set (&settings, "b", "0", 0);
    av_dict_set (&settings, "row-mt", "1", 0);
    av_dict_set_int (&settings, "cpu-used", MIN (speed_of (options->preset, 4), 8), 0);
    if (choice->alpha) /* pictures that are not shown have no second one */
      av_dict_set (&settings, "auto-alt-ref", "0", 0);
  } else if (codec->id == AV_CODEC_ID_PRORES) {
    av_dict_set (&settings, "profile", is_444 (choice->format) ? "4444" : "hq", 0);
    av_dict_set (&settings, "vendor", "apl0", 0);
  } else if (codec->id == AV_CODEC_ID_FFV1) {
    av_dict_set (&settings, "level", "3", 0);
    av_dict_set (&settings, "slicecrc", "1", 0);
    av_dict_set (&settings, "g", "1", 0);
  }
  return settings;
}

AVCodecContext *
tc_encoder_open (const TcEncoderChoice *choice, const TcOptions *options, const AVFrame *first,
                 const AVStream *source, AVRational time_base, AVRational frame_rate,
                 gboolean global_header, GError **error)
{
  AVCodecContext *encoder = avcodec_alloc_context3 (choice->codec);
  AVDictionary *settings = NULL;
  AVRational aspect = source->sample_aspect_ratio;
  gboolean refused;
  char *complaint;
  int result;

  encoder->width = first->width;
  encoder->height = first->height;
  encoder->pix_fmt = choice->format;
  encoder->time_base = time_base;
  encoder->framerate = frame_rate;
  /* 1:1 that nobody told stays untold. */
  if (aspect.num > 0 || av_cmp_q (first->sample_aspect_ratio, (AVRational){1, 1}) != 0 ||
      source->codecpar->sample_aspect_ratio.num > 0)
    encoder->sample_aspect_ratio = first->sample_aspect_ratio;
  encoder->color_range = first->color_range;
  encoder->colorspace = first->colorspace;
  encoder->color_trc = first->color_trc;
  encoder->color_primaries = first->color_primaries;
  encoder->chroma_sample_location = first->chroma_location;
  encoder->field_order = AV_FIELD_PROGRESSIVE;
  settings = settings_for (choice, options, first, source);
  set_quality (encoder, &settings, options);
  tc_encoder_options_add (&settings, options->encoder_options);
  encoder->thread_count = threads_of (options);
  if (global_header)
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;

  tc_log_listen ();
  result = choice->device != NULL ? tc_hardware_attach (encoder, choice->device) : 0;
  if (result >= 0)
    result = avcodec_open2 (encoder, choice->codec, &settings);
  complaint = tc_log_take (&refused);
  av_dict_free (&settings);
  if (result < 0)
    tc_fail_av (error, result, "the encoder %s does not take %dx%d %s with these settings%s%s",
                choice->codec->name, first->width, first->height,
                av_get_pix_fmt_name (choice->format), complaint != NULL ? ": " : "",
                complaint != NULL ? complaint : "");
  else if (refused)
    tc_fail (error, "encoder-options: %s: %s", choice->codec->name, complaint);
  if (result < 0 || refused)
    avcodec_free_context (&encoder);
  g_free (complaint);
  return encoder;
}

char *
tc_encoder_describe (const TcEncoderChoice *choice, const TcOptions *options)
{
  int crf = crf_of (choice->codec, options);

  switch (choice->codec->id) {
  case AV_CODEC_ID_HEVC:
    return g_strdup_printf ("x265enc speed-preset=%s option-string=crf=%d ! h265parse",
                            name_of (options->preset), crf);
  case AV_CODEC_ID_VP9:
    return g_strdup_printf ("vp9enc deadline=1 cpu-used=%d end-usage=cq cq-level=%d row-mt=true",
                            MIN (speed_of (options->preset, 4), 8), crf);
  case AV_CODEC_ID_AV1:
    return g_strdup_printf ("av1enc cpu-used=%d end-usage=q ! av1parse",
                            MIN (speed_of (options->preset, 4), 8));
  case AV_CODEC_ID_FFV1:
    return g_strdup ("avenc_ffv1");
  case AV_CODEC_ID_PRORES:
    return g_strdup ("avenc_prores_ks");
  case AV_CODEC_ID_PNG:
    return g_strdup ("pngenc");
  case AV_CODEC_ID_MJPEG:
    return g_strdup ("jpegenc");
  case AV_CODEC_ID_WRAPPED_AVFRAME:
    return g_strdup_printf ("video/x-raw,format=%s ! y4menc",
                            gst_video_format_to_string (tc_format_from_av (choice->format)));
  default:
    if (!g_str_equal (choice->codec->name, "libx264"))
      return g_strdup_printf ("avenc_%s", choice->codec->name);
    return g_strdup_printf ("x264enc speed-preset=%s pass=qual quantizer=%d ! h264parse",
                            name_of (options->preset), MIN (crf, 50));
  }
}
