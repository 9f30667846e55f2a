/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "subtitle.h"
#include "message.h"

#include <string.h>

#define MAX_SIZE (1 << 20)
/* A picture whose end nothing tells, the last of a file, is shown for so long, in milliseconds. */
#define LAST_DURATION 5000

struct _TcSubtitle {
  AVCodecContext *decoder, *encoder;
  AVPacket *packet;
  uint8_t *buffer;
  AVSubtitle waiting; /* one whose end the next one will tell */
  gboolean is_waiting;
  gint64 n_lost;
};

gboolean
tc_subtitle_is_text (enum AVCodecID codec)
{
  const AVCodecDescriptor *descriptor = avcodec_descriptor_get (codec);

  return codec == AV_CODEC_ID_DVB_TELETEXT ||
         (descriptor != NULL && (descriptor->props & AV_CODEC_PROP_TEXT_SUB));
}

static gboolean
open_decoder (TcSubtitle *self, const AVStream *source, GError **error)
{
  const AVCodec *codec = avcodec_find_decoder (source->codecpar->codec_id);
  AVDictionary *settings = NULL;
  int result;

  if (codec == NULL)
    return tc_fail (error, "there is no decoder for them");
  self->decoder = avcodec_alloc_context3 (codec);
  avcodec_parameters_to_context (self->decoder, source->codecpar);
  self->decoder->pkt_timebase = source->time_base;
  if (codec->id == AV_CODEC_ID_DVB_TELETEXT)
    av_dict_set (&settings, "txt_format", "text", 0);
  result = avcodec_open2 (self->decoder, codec, &settings);
  av_dict_free (&settings);
  if (result < 0)
    return tc_fail_av (error, result, "the decoder %s does not start", codec->name);
  return TRUE;
}

static gboolean
open_encoder (TcSubtitle *self, enum AVCodecID id, const AVStream *film, gboolean global_header,
              GError **error)
{
  const AVCodec *codec = avcodec_find_encoder (id);
  AVCodecContext *encoder;
  int result;

  if (codec == NULL)
    return tc_fail (error, "there is no encoder for %s", avcodec_get_name (id));
  encoder = self->encoder = avcodec_alloc_context3 (codec);
  encoder->time_base = AV_TIME_BASE_Q;
  encoder->width = self->decoder->width > 0 ? self->decoder->width : film->codecpar->width;
  encoder->height = self->decoder->height > 0 ? self->decoder->height : film->codecpar->height;
  if (self->decoder->subtitle_header != NULL) {
    encoder->subtitle_header = av_mallocz (self->decoder->subtitle_header_size + 1);
    memcpy (encoder->subtitle_header, self->decoder->subtitle_header,
            self->decoder->subtitle_header_size);
    encoder->subtitle_header_size = self->decoder->subtitle_header_size;
  }
  if (global_header)
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  result = avcodec_open2 (encoder, codec, NULL);
  if (result < 0)
    return tc_fail_av (error, result, "the encoder %s does not start", codec->name);
  return TRUE;
}

TcSubtitle *
tc_subtitle_new (const AVStream *source, enum AVCodecID codec, const AVStream *film,
                 gboolean global_header, GError **error)
{
  TcSubtitle *self = g_new0 (TcSubtitle, 1);

  self->packet = av_packet_alloc ();
  self->buffer = av_malloc (MAX_SIZE);
  if (!open_decoder (self, source, error) ||
      !open_encoder (self, codec, film, global_header, error)) {
    tc_subtitle_free (self);
    return NULL;
  }
  return self;
}

void
tc_subtitle_free (TcSubtitle *self)
{
  if (self == NULL)
    return;
  if (self->is_waiting)
    avsubtitle_free (&self->waiting);
  avcodec_free_context (&self->decoder);
  avcodec_free_context (&self->encoder);
  av_packet_free (&self->packet);
  av_free (self->buffer);
  g_free (self);
}

const AVCodecContext *
tc_subtitle_get_encoder (const TcSubtitle *self)
{
  return self->encoder;
}

gint64
tc_subtitle_count_lost (const TcSubtitle *self)
{
  return self->n_lost;
}

/* ---- one subtitle -------------------------------------------------------------------------- */

/* Of `subtitle`, whose times count from its start. */
static gboolean
encode_one (TcSubtitle *self, AVSubtitle *subtitle, gint64 pts, gint64 duration, TcPacketFunc func,
            gpointer data, GError **error)
{
  int size = avcodec_encode_subtitle (self->encoder, self->buffer, MAX_SIZE, subtitle);

  if (size <= 0) {
    self->n_lost += size < 0;
    return TRUE;
  }
  if (av_new_packet (self->packet, size) < 0)
    return tc_fail (error, "out of memory");
  memcpy (self->packet->data, self->buffer, size);
  self->packet->pts = self->packet->dts = pts;
  self->packet->duration = duration;
  self->packet->flags |= AV_PKT_FLAG_KEY;
  if (!func (data, self->packet, error))
    return FALSE;
  av_packet_unref (self->packet);
  return TRUE;
}

static gboolean
encode (TcSubtitle *self, AVSubtitle *subtitle, TcPacketFunc func, gpointer data, GError **error)
{
  gint64 start = subtitle->pts + subtitle->start_display_time * (gint64) 1000;
  gint64 duration =
      ((gint64) subtitle->end_display_time - (gint64) subtitle->start_display_time) * 1000;
  unsigned n_rects = subtitle->num_rects;
  AVSubtitleRect **rects = subtitle->rects;
  gboolean ok = TRUE;

  subtitle->pts = start;
  subtitle->end_display_time -= subtitle->start_display_time;
  subtitle->start_display_time = 0;
  duration = MAX (duration, 0);
  if (self->encoder->codec_id == AV_CODEC_ID_ASS) {
    /* An event is a packet. */
    for (unsigned i = 0; ok && i < n_rects; i++) {
      subtitle->num_rects = 1;
      subtitle->rects = rects + i;
      ok = encode_one (self, subtitle, start, duration, func, data, error);
    }
  } else if (n_rects > 0) {
    ok = encode_one (self, subtitle, start, duration, func, data, error);
    /* DVB has no durations: something has to take the pictures away. */
    if (ok && self->encoder->codec_id == AV_CODEC_ID_DVB_SUBTITLE) {
      subtitle->num_rects = 0;
      ok = encode_one (self, subtitle, start + duration, 0, func, data, error);
    }
  }
  subtitle->num_rects = n_rects;
  subtitle->rects = rects;
  return ok;
}

/* The one that waits ends where the next one begins; `next` AV_NOPTS_VALUE: there is none. */
static gboolean
end_waiting (TcSubtitle *self, gint64 next, TcPacketFunc func, gpointer data, GError **error)
{
  gint64 length = LAST_DURATION;
  gboolean ok;

  if (!self->is_waiting)
    return TRUE;
  if (next != AV_NOPTS_VALUE)
    length = CLAMP ((next - self->waiting.pts) / 1000, 1, G_MAXINT32);
  self->waiting.end_display_time = (uint32_t) MAX (length, self->waiting.start_display_time + 1);
  ok = encode (self, &self->waiting, func, data, error);
  avsubtitle_free (&self->waiting);
  self->is_waiting = FALSE;
  return ok;
}

gboolean
tc_subtitle_push (TcSubtitle *self, const AVPacket *packet, TcPacketFunc func, gpointer data,
                  GError **error)
{
  AVSubtitle subtitle = {0};
  AVPacket *own = packet != NULL ? av_packet_clone (packet) : av_packet_alloc ();
  gboolean ok = TRUE;
  int got = 0;

  if (packet != NULL && avcodec_decode_subtitle2 (self->decoder, &subtitle, &got, own) < 0)
    self->n_lost++;
  av_packet_free (&own);
  if (packet == NULL)
    return end_waiting (self, AV_NOPTS_VALUE, func, data, error);
  if (!got)
    return TRUE;
  if (subtitle.pts == AV_NOPTS_VALUE) {
    self->n_lost += subtitle.num_rects > 0;
  } else {
    ok = end_waiting (self, subtitle.pts, func, data, error);
    if (ok && subtitle.num_rects > 0 &&
        (subtitle.end_display_time == UINT32_MAX ||
         subtitle.end_display_time <= subtitle.start_display_time)) {
      self->waiting = subtitle;
      self->is_waiting = TRUE;
      return TRUE;
    }
    ok = ok && encode (self, &subtitle, func, data, error);
  }
  avsubtitle_free (&subtitle);
  return ok;
}
