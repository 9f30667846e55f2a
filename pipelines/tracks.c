/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tracks.h"
#include "compat.h"
#include "audio.h"
#include "message.h"

#include <string.h>

typedef struct {
  AVStream *in, *out; /* out NULL: left out */
  TcAudio *audio;     /* encoded anew */
  TcTracks *tracks;
} Track;

struct _TcTracks {
  const TcOptions *options;
  const TcInput *input;
  TcMuxer *muxer;
  Track *tracks;
  guint n_tracks;
  AVStream *video;
};

static gboolean
can_hold (const TcTracks *self, const AVStream *stream)
{
  const AVOutputFormat *container = tc_muxer_get_format (self->muxer);
  const AVCodecParameters *codec = stream->codecpar;
  int held;

  if (codec->codec_id == AV_CODEC_ID_NONE || codec->codec_type == AVMEDIA_TYPE_DATA)
    return FALSE;
  if (codec->codec_type == AVMEDIA_TYPE_ATTACHMENT)
    return strstr (container->name, "matroska") != NULL;
  if (codec->codec_type == AVMEDIA_TYPE_SUBTITLE && container->subtitle_codec == AV_CODEC_ID_NONE)
    return FALSE;
  held = avformat_query_codec (container, codec->codec_id, FF_COMPLIANCE_NORMAL);
  /* Of a muxer that does not list its codecs (MPEG-TS) the usual ones are expected to go. */
  return held == 1 || (held < 0 && codec->codec_type != AVMEDIA_TYPE_SUBTITLE);
}

static gboolean
copy_track (TcTracks *self, Track *track)
{
  AVCodecParameters *codec;
  const struct AVCodecTag *const *tags = tc_muxer_get_format (self->muxer)->codec_tag;

  track->out = tc_muxer_add_stream (self->muxer, track->in);
  codec = track->out->codecpar;
  avcodec_parameters_copy (codec, track->in->codecpar);
  /* The tag of one container may mean nothing, or something else, in another. */
  if (tags != NULL && av_codec_get_id (tags, codec->codec_tag) != codec->codec_id)
    codec->codec_tag = 0;
  return TRUE;
}

static gboolean
encode_track (TcTracks *self, Track *track, enum AVCodecID codec, GError **error)
{
  const AVOutputFormat *container = tc_muxer_get_format (self->muxer);

  track->audio =
      tc_audio_new (track->in, codec, (container->flags & AVFMT_GLOBALHEADER) != 0, error);
  if (track->audio == NULL)
    return FALSE;
  track->out = tc_muxer_add_stream (self->muxer, track->in);
  track->out->time_base = tc_audio_get_encoder (track->audio)->time_base;
  tc_stream_set_encoder (track->out, tc_audio_get_encoder (track->audio));
  return TRUE;
}

static gboolean
add_audio (TcTracks *self, Track *track, GError **error)
{
  const AVOutputFormat *container = tc_muxer_get_format (self->muxer);
  const char *name = avcodec_get_name (track->in->codecpar->codec_id);
  enum AVCodecID codec = AV_CODEC_ID_AAC;

  if (self->options->audio == TC_AUDIO_NONE)
    return TRUE;
  if (self->options->audio == TC_AUDIO_COPY && can_hold (self, track->in))
    return copy_track (self, track);
  if (self->options->audio == TC_AUDIO_OPUS ||
      (self->options->audio == TC_AUDIO_COPY &&
       avformat_query_codec (container, codec, FF_COMPLIANCE_NORMAL) == 0))
    codec = AV_CODEC_ID_OPUS;
  if (avformat_query_codec (container, codec, FF_COMPLIANCE_NORMAL) == 0)
    return tc_fail (error, "%s cannot hold %s sound; choose audio=none or another one",
                    container->name, avcodec_get_name (codec));
  if (self->options->audio == TC_AUDIO_COPY)
    tc_note ("track %d: %s cannot hold %s sound, it is encoded as %s", track->in->index,
             container->name, name, avcodec_get_name (codec));
  return encode_track (self, track, codec, error);
}

static gboolean
add_track (TcTracks *self, Track *track, GError **error)
{
  const AVCodecParameters *codec = track->in->codecpar;

  if (track->in == self->input->video) {
    self->video = track->out = tc_muxer_add_stream (self->muxer, track->in);
    return TRUE;
  }
  if (codec->codec_type == AVMEDIA_TYPE_AUDIO)
    return add_audio (self, track, error);
  if (can_hold (self, track->in))
    return copy_track (self, track);
  tc_note ("track %d (%s, %s) is left out: %s cannot hold it", track->in->index,
           av_get_media_type_string (codec->codec_type) != NULL
               ? av_get_media_type_string (codec->codec_type)
               : "unknown",
           avcodec_get_name (codec->codec_id), tc_muxer_get_format (self->muxer)->name);
  return TRUE;
}

static void
copy_chapters (TcTracks *self)
{
  AVFormatContext *to = tc_muxer_get_context (self->muxer);
  const AVFormatContext *from = self->input->format;

  to->chapters = av_calloc (from->nb_chapters, sizeof *to->chapters);
  for (guint i = 0; to->chapters != NULL && i < from->nb_chapters; i++) {
    AVChapter *chapter = av_mallocz (sizeof *chapter);

    chapter->id = from->chapters[i]->id;
    chapter->time_base = from->chapters[i]->time_base;
    chapter->start = from->chapters[i]->start;
    chapter->end = from->chapters[i]->end;
    av_dict_copy (&chapter->metadata, from->chapters[i]->metadata, 0);
    to->chapters[to->nb_chapters++] = chapter;
  }
}

static void
copy_tags (TcTracks *self)
{
  AVFormatContext *to = tc_muxer_get_context (self->muxer);

  av_dict_copy (&to->metadata, self->input->format->metadata, 0);
  /* The brands tell of the input's own container. */
  av_dict_set (&to->metadata, "major_brand", NULL, 0);
  av_dict_set (&to->metadata, "minor_version", NULL, 0);
  av_dict_set (&to->metadata, "compatible_brands", NULL, 0);
  av_dict_set (&to->metadata, "encoder", NULL, 0);
}

TcTracks *
tc_tracks_new (const TcOptions *options, const TcInput *input, TcMuxer *muxer, GError **error)
{
  TcTracks *self = g_new0 (TcTracks, 1);
  gboolean ok = TRUE;

  self->options = options;
  self->input = input;
  self->muxer = muxer;
  self->n_tracks = input->format->nb_streams;
  self->tracks = g_new0 (Track, self->n_tracks);
  copy_tags (self);
  copy_chapters (self);
  for (guint i = 0; ok && i < self->n_tracks; i++) {
    self->tracks[i].in = input->format->streams[i];
    self->tracks[i].tracks = self;
    ok = add_track (self, &self->tracks[i], error);
  }
  if (!ok) {
    tc_tracks_free (self);
    return NULL;
  }
  return self;
}

void
tc_tracks_free (TcTracks *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n_tracks; i++)
    tc_audio_free (self->tracks[i].audio);
  g_free (self->tracks);
  g_free (self);
}

AVStream *
tc_tracks_get_video (const TcTracks *self)
{
  return self->video;
}

static gboolean
on_audio_packet (gpointer data, AVPacket *packet, GError **error)
{
  Track *track = data;

  return tc_muxer_write (track->tracks->muxer, packet, track->out,
                         tc_audio_get_encoder (track->audio)->time_base, error);
}

gboolean
tc_tracks_push (TcTracks *self, AVPacket *packet, GError **error)
{
  Track *track;

  /* A track that shows up only in the middle of the file. */
  if ((guint) packet->stream_index >= self->n_tracks)
    return TRUE;
  track = &self->tracks[packet->stream_index];
  if (track->out == NULL)
    return TRUE;
  if (track->audio != NULL)
    return tc_audio_push (track->audio, packet, on_audio_packet, track, error);
  return tc_muxer_write (self->muxer, packet, track->out, track->in->time_base, error);
}

gboolean
tc_tracks_end (TcTracks *self, GError **error)
{
  for (guint i = 0; i < self->n_tracks; i++)
    if (self->tracks[i].audio != NULL &&
        !tc_audio_push (self->tracks[i].audio, NULL, on_audio_packet, &self->tracks[i], error))
      return FALSE;
  return TRUE;
}
