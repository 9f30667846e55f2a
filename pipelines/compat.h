/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What FFmpeg's libraries call by another name in another version: 5.1 (Debian 12) to 7.1 (Debian
 * 13). Nothing here owns anything or takes a lock; each function may be called from any thread that
 * may touch the object it is given.
 */
#pragma once

#include <glib.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include <string.h>

/* ---- frames --------------------------------------------------------------------------------- */

/* In the time base that the frame's pts is in; 0: not known. */
static inline gint64
tc_frame_get_duration (const AVFrame *frame)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
  return frame->duration;
#else
  return frame->pkt_duration;
#endif
}

static inline void
tc_frame_set_duration (AVFrame *frame, gint64 duration)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
  frame->duration = duration;
#else
  frame->pkt_duration = duration;
#endif
}

#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
#define TC_FRAME_FLAG(frame, flag, field) (((frame)->flags & (flag)) != 0)
#else
#define TC_FRAME_FLAG(frame, flag, field) ((frame)->field != 0)
#endif

static inline gboolean
tc_frame_is_interlaced (const AVFrame *frame)
{
  return TC_FRAME_FLAG (frame, AV_FRAME_FLAG_INTERLACED, interlaced_frame);
}

#undef TC_FRAME_FLAG

static inline void
tc_frame_set_progressive (AVFrame *frame)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
  frame->flags &= ~(AV_FRAME_FLAG_INTERLACED | AV_FRAME_FLAG_TOP_FIELD_FIRST);
#else
  frame->interlaced_frame = frame->top_field_first = 0;
#endif
  frame->repeat_pict = 0;
}

/* ---- side data of streams ------------------------------------------------------------------- */

#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
/* Copying the parameters copies it, and it is lost with them. */
#define TC_SIDE_DATA_IN_CODECPAR 1
#else
#define TC_SIDE_DATA_IN_CODECPAR 0
#endif

/* All there is, `n` items that belong to the stream. */
static inline const AVPacketSideData *
tc_stream_list_side_data (const AVStream *stream, int *n)
{
#if TC_SIDE_DATA_IN_CODECPAR
  *n = stream->codecpar->nb_coded_side_data;
  return stream->codecpar->coded_side_data;
#else
  *n = stream->nb_side_data;
  return stream->side_data;
#endif
}

/* The bytes, which belong to the stream, or NULL. `size` may be NULL. */
static inline const uint8_t *
tc_stream_get_side_data (const AVStream *stream, enum AVPacketSideDataType type, size_t *size)
{
  int n;
  const AVPacketSideData *list = tc_stream_list_side_data (stream, &n);

  for (int i = 0; i < n; i++) {
    if (list[i].type == type) {
      if (size != NULL)
        *size = list[i].size;
      return list[i].data;
    }
  }
  return NULL;
}

/* Room for `size` bytes in place of what of this type there was; it belongs to the stream. NULL
 * when there is no memory. */
static inline uint8_t *
tc_stream_new_side_data (AVStream *stream, enum AVPacketSideDataType type, size_t size)
{
#if TC_SIDE_DATA_IN_CODECPAR
  AVPacketSideData *data = av_packet_side_data_new (
      &stream->codecpar->coded_side_data, &stream->codecpar->nb_coded_side_data, type, size, 0);

  return data != NULL ? data->data : NULL;
#else
  return av_stream_new_side_data (stream, type, size);
#endif
}

/* What the encoder makes, with the side data that the stream has already. */
static inline int
tc_stream_set_encoder (AVStream *stream, const AVCodecContext *encoder)
{
#if TC_SIDE_DATA_IN_CODECPAR
  AVPacketSideData *kept = stream->codecpar->coded_side_data;
  int n_kept = stream->codecpar->nb_coded_side_data, result;

  stream->codecpar->coded_side_data = NULL;
  stream->codecpar->nb_coded_side_data = 0;
  result = avcodec_parameters_from_context (stream->codecpar, encoder);
  for (int i = 0; i < n_kept; i++) {
    uint8_t *data;

    if (tc_stream_get_side_data (stream, kept[i].type, NULL) == NULL &&
        (data = tc_stream_new_side_data (stream, kept[i].type, kept[i].size)) != NULL)
      memcpy (data, kept[i].data, kept[i].size);
  }
  av_packet_side_data_free (&kept, &n_kept);
  return result;
#else
  return avcodec_parameters_from_context (stream->codecpar, encoder);
#endif
}

/* ---- what a codec takes --------------------------------------------------------------------- */

#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(61, 13, 100)
static inline const void *
tc_codec_get_list (const AVCodec *codec, enum AVCodecConfig what)
{
  const void *list = NULL;

  return avcodec_get_supported_config (NULL, codec, what, 0, &list, NULL) >= 0 ? list : NULL;
}
#define TC_CODEC_LIST(codec, what, field) tc_codec_get_list (codec, AV_CODEC_CONFIG_##what)
#else
#define TC_CODEC_LIST(codec, what, field) ((codec)->field)
#endif

/* Ends with AV_PIX_FMT_NONE; NULL: not told. The lists are static. */
static inline const enum AVPixelFormat *
tc_codec_get_pixel_formats (const AVCodec *codec)
{
  return TC_CODEC_LIST (codec, PIX_FORMAT, pix_fmts);
}

/* Ends with AV_SAMPLE_FMT_NONE; NULL: not told. */
static inline const enum AVSampleFormat *
tc_codec_get_sample_formats (const AVCodec *codec)
{
  return TC_CODEC_LIST (codec, SAMPLE_FORMAT, sample_fmts);
}

/* Ends with 0; NULL: any. */
static inline const int *
tc_codec_get_sample_rates (const AVCodec *codec)
{
  return TC_CODEC_LIST (codec, SAMPLE_RATE, supported_samplerates);
}

/* Ends with a layout of no channels; NULL: any. */
static inline const AVChannelLayout *
tc_codec_get_layouts (const AVCodec *codec)
{
  return TC_CODEC_LIST (codec, CHANNEL_LAYOUT, ch_layouts);
}

#undef TC_CODEC_LIST
