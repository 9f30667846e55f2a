/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container.h"

#include <libavcodec/avcodec.h>

/* What libav's muxer of MPEG-TS has a stream type or descriptor for. It has no list of its own, and
 * takes anything: the rest becomes private data, which nobody reads again. */
static const enum AVCodecID mpegts_codecs[] = {
    AV_CODEC_ID_MPEG1VIDEO, AV_CODEC_ID_MPEG2VIDEO,   AV_CODEC_ID_MPEG4,
    AV_CODEC_ID_H264,       AV_CODEC_ID_HEVC,         AV_CODEC_ID_CAVS,
    AV_CODEC_ID_DIRAC,      AV_CODEC_ID_VC1,          AV_CODEC_ID_MP2,
    AV_CODEC_ID_MP3,        AV_CODEC_ID_AAC,          AV_CODEC_ID_AAC_LATM,
    AV_CODEC_ID_AC3,        AV_CODEC_ID_EAC3,         AV_CODEC_ID_DTS,
    AV_CODEC_ID_TRUEHD,     AV_CODEC_ID_OPUS,         AV_CODEC_ID_S302M,
    AV_CODEC_ID_SMPTE_KLV,  AV_CODEC_ID_DVB_SUBTITLE, AV_CODEC_ID_DVB_TELETEXT,
    AV_CODEC_ID_TIMED_ID3,
};

/* TRUE, FALSE, or -1: not to be known from tables. */
static int
ask_tables (const AVOutputFormat *container, enum AVCodecID codec)
{
  int held = avformat_query_codec (container, codec, FF_COMPLIANCE_NORMAL);
  unsigned tag;

  if (g_str_equal (container->name, "mpegts")) {
    for (guint i = 0; i < G_N_ELEMENTS (mpegts_codecs); i++)
      if (mpegts_codecs[i] == codec)
        return TRUE;
    return FALSE;
  }
  if (held == 1 || held == 0)
    return held;
  if (container->codec_tag != NULL)
    return av_codec_get_tag2 (container->codec_tag, codec, &tag) != 0;
  return -1;
}

/* Writes a header with that one track, to nowhere. */
static gboolean
ask_muxer (const AVOutputFormat *container, const AVStream *like)
{
  AVFormatContext *trial = NULL;
  uint8_t *written = NULL;
  AVStream *stream;
  int result;

  if (avformat_alloc_output_context2 (&trial, container, NULL, NULL) < 0)
    return FALSE;
  result = avio_open_dyn_buf (&trial->pb);
  if (result >= 0) {
    stream = avformat_new_stream (trial, NULL);
    avcodec_parameters_copy (stream->codecpar, like->codecpar);
    stream->codecpar->codec_tag = tc_container_tag (container, like->codecpar);
    stream->time_base = like->time_base;
    stream->disposition = like->disposition;
    stream->avg_frame_rate = like->avg_frame_rate;
    result = avformat_write_header (trial, NULL);
    avio_close_dyn_buf (trial->pb, &written);
    trial->pb = NULL;
    av_free (written);
  }
  avformat_free_context (trial);
  return result >= 0;
}

gboolean
tc_container_holds (const AVOutputFormat *container, const AVStream *stream)
{
  const AVCodecParameters *codec = stream->codecpar;

  if (codec->codec_id == AV_CODEC_ID_NONE)
    return FALSE;
  return ask_tables (container, codec->codec_id) != FALSE && ask_muxer (container, stream);
}

gboolean
tc_container_holds_codec (const AVOutputFormat *container, enum AVCodecID codec)
{
  AVStream stream = {.time_base = {1, 48000}};
  gboolean held = ask_tables (container, codec) != FALSE;

  if (held && avcodec_get_type (codec) == AVMEDIA_TYPE_AUDIO) {
    stream.codecpar = avcodec_parameters_alloc ();
    stream.codecpar->codec_type = AVMEDIA_TYPE_AUDIO;
    stream.codecpar->codec_id = codec;
    stream.codecpar->sample_rate = 48000;
    stream.codecpar->frame_size = 1024;
    av_channel_layout_default (&stream.codecpar->ch_layout, 2);
    held = ask_muxer (container, &stream);
    avcodec_parameters_free (&stream.codecpar);
  }
  return held;
}

guint32
tc_container_tag (const AVOutputFormat *container, const AVCodecParameters *parameters)
{
  /* The tag of one container may mean nothing, or something else, in another. */
  if (container->codec_tag == NULL ||
      av_codec_get_id (container->codec_tag, parameters->codec_tag) == parameters->codec_id)
    return parameters->codec_tag;
  return 0;
}

gboolean
tc_container_is_matroska (const AVOutputFormat *container)
{
  return g_str_equal (container->name, "matroska") || g_str_equal (container->name, "webm");
}

gboolean
tc_container_holds_chapters (const AVOutputFormat *container)
{
  static const char *const names[] = {"matroska", "webm", "mp4", "mov", "ipod",
                                      "asf",      "nut",  "ogg", "ogv", NULL};

  return g_strv_contains (names, container->name);
}

gboolean
tc_container_holds_attachments (const AVOutputFormat *container)
{
  return g_str_equal (container->name, "matroska");
}

gboolean
tc_container_holds_cover (const AVOutputFormat *container, enum AVCodecID codec)
{
  /* Those that have iTunes' metadata, which QuickTime's own has not. */
  static const char *const names[] = {"mp4", "ipod", "psp", "f4v", "ismv", NULL};

  return g_strv_contains (names, container->name) &&
         (codec == AV_CODEC_ID_MJPEG || codec == AV_CODEC_ID_PNG || codec == AV_CODEC_ID_BMP);
}

gboolean
tc_container_counts_frames (const AVOutputFormat *container)
{
  static const char *const names[] = {"avi",        "dv",  "gxf",          "mxf", "mxf_d10",
                                      "mxf_opatom", "swf", "yuv4mpegpipe", NULL};

  return g_strv_contains (names, container->name);
}
