/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tracks.h"
#include "audio.h"
#include "compat.h"
#include "container.h"
#include "message.h"
#include "subtitle.h"

#include <string.h>

/* Most lines about tracks that show up late; more would say nothing new. */
#define MAX_LATE_LINES 5

typedef struct {
  AVStream *in, *out; /* out NULL: left out */
  /* At most one of these; neither: copied. */
  TcAudio *audio;
  TcSubtitle *subtitle;
  gboolean in_header; /* an attachment, of which no packets are written */
  TcTracks *tracks;
} Track;

struct _TcTracks {
  const TcOptions *options;
  const TcInput *input;
  TcMuxer *muxer;
  Track *tracks;
  guint n_tracks;
  guint n_seen; /* with those that showed up after the beginning */
  AVStream *video;
};

/* ---- what is said -------------------------------------------------------------------------- */

static const char *
container_name (const TcTracks *self)
{
  return tc_muxer_get_format (self->muxer)->name;
}

static const char *
kind_of (const AVStream *stream)
{
  const char *kind = av_get_media_type_string (stream->codecpar->codec_type);

  if (stream->disposition & AV_DISPOSITION_ATTACHED_PIC)
    return "cover";
  return kind != NULL ? kind : "unknown";
}

static const char *
name_of (const AVStream *stream)
{
  return avcodec_get_name (stream->codecpar->codec_id);
}

static void G_GNUC_PRINTF (2, 3) leave_out (const AVStream *stream, const char *format, ...)
{
  va_list args;
  char *reason;

  va_start (args, format);
  reason = g_strdup_vprintf (format, args);
  va_end (args);
  tc_note ("track %d (%s, %s) is left out: %s", stream->index, kind_of (stream), name_of (stream),
           reason);
  g_free (reason);
}

/* ---- tags ---------------------------------------------------------------------------------- */

/* What tells of the bits of the input and not of those of OUT. mkvmerge writes the first ones, with
 * the language behind them or without. */
static void
remove_stale_tags (AVDictionary **tags)
{
  static const char *const stale[] = {"BPS",
                                      "DURATION",
                                      "NUMBER_OF_FRAMES",
                                      "NUMBER_OF_BYTES",
                                      "_STATISTICS_WRITING_APP",
                                      "_STATISTICS_WRITING_DATE_UTC",
                                      "_STATISTICS_TAGS",
                                      "ENCODER",
                                      "ENCODER_OPTIONS",
                                      "ENCODED_LIBRARY_SETTINGS"};
  const AVDictionaryEntry *entry = NULL;
  AVDictionary *kept = NULL;

  while ((entry = av_dict_get (*tags, "", entry, AV_DICT_IGNORE_SUFFIX)) != NULL) {
    gboolean is_stale = FALSE;

    for (guint i = 0; !is_stale && i < G_N_ELEMENTS (stale); i++) {
      gsize length = strlen (stale[i]);

      is_stale = g_ascii_strncasecmp (entry->key, stale[i], length) == 0 &&
                 (entry->key[length] == '\0' || entry->key[length] == '-');
    }
    if (!is_stale)
      av_dict_set (&kept, entry->key, entry->value, 0);
  }
  av_dict_free (tags);
  *tags = kept;
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

static void
copy_chapters (TcTracks *self)
{
  AVFormatContext *to = tc_muxer_get_context (self->muxer);
  const AVFormatContext *from = self->input->format;
  gint64 start = tc_timeline_get_start (self->input->timeline);
  guint n_before = 0;

  if (from->nb_chapters > 0 && !tc_container_holds_chapters (to->oformat)) {
    tc_note ("%u chapters are left out: %s has none", from->nb_chapters, container_name (self));
    return;
  }
  to->chapters = av_calloc (from->nb_chapters, sizeof *to->chapters);
  for (guint i = 0; to->chapters != NULL && i < from->nb_chapters; i++) {
    const AVChapter *old = from->chapters[i];
    gint64 shift = av_rescale_q (start, AV_TIME_BASE_Q, old->time_base);
    AVChapter *chapter;

    if (old->end != AV_NOPTS_VALUE && old->end < shift) {
      n_before++;
      continue;
    }
    chapter = av_mallocz (sizeof *chapter);
    chapter->id = old->id;
    chapter->time_base = old->time_base;
    chapter->start = MAX (old->start - shift, 0);
    chapter->end = old->end == AV_NOPTS_VALUE ? chapter->start : old->end - shift;
    av_dict_copy (&chapter->metadata, old->metadata, 0);
    to->chapters[to->nb_chapters++] = chapter;
  }
  if (n_before > 0)
    tc_note ("%u chapters are left out: they end before the film begins", n_before);
}

/* ---- what becomes of a track --------------------------------------------------------------- */

static void
copy_track (TcTracks *self, Track *track)
{
  AVCodecParameters *codec;

  track->out = tc_muxer_add_stream (self->muxer, track->in, TRUE);
  codec = track->out->codecpar;
  avcodec_parameters_copy (codec, track->in->codecpar);
  codec->codec_tag = tc_container_tag (tc_muxer_get_format (self->muxer), track->in->codecpar);
  if (self->options->frames > 0)
    remove_stale_tags (&track->out->metadata);
}

static void
add_encoded (TcTracks *self, Track *track, const AVCodecContext *encoder)
{
  track->out = tc_muxer_add_stream (self->muxer, track->in, FALSE);
  track->out->time_base = encoder->time_base;
  tc_stream_set_encoder (track->out, encoder);
  remove_stale_tags (&track->out->metadata);
}

static gboolean
wants_global_header (const TcTracks *self)
{
  return (tc_muxer_get_format (self->muxer)->flags & AVFMT_GLOBALHEADER) != 0;
}

/* The sound that players of the container expect, of what can be encoded here. */
static enum AVCodecID
choose_sound (const AVOutputFormat *container)
{
  static const enum AVCodecID codecs[] = {AV_CODEC_ID_AAC,    AV_CODEC_ID_OPUS,
                                          AV_CODEC_ID_AC3,    AV_CODEC_ID_MP2,
                                          AV_CODEC_ID_VORBIS, AV_CODEC_ID_PCM_S16LE};

  /* AAC has a tag there, but the frames' sizes that it needs have no place. */
  if (g_str_equal (container->name, "avi") && avcodec_find_encoder (AV_CODEC_ID_AC3) != NULL)
    return AV_CODEC_ID_AC3;
  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    if (avcodec_find_encoder (codecs[i]) != NULL && tc_container_holds_codec (container, codecs[i]))
      return codecs[i];
  return AV_CODEC_ID_NONE;
}

/* `wanted`: whether the user has asked for that codec. */
static void
encode_sound (TcTracks *self, Track *track, enum AVCodecID codec, gboolean wanted)
{
  GError *why = NULL;

  track->audio = tc_audio_new (track->in, codec, wants_global_header (self), &why);
  if (track->audio != NULL) {
    if (!wanted)
      tc_note ("track %d: %s cannot hold %s sound, it is encoded as %s", track->in->index,
               container_name (self), name_of (track->in), avcodec_get_name (codec));
    add_encoded (self, track, tc_audio_get_encoder (track->audio));
  } else if (wanted && tc_container_holds (tc_muxer_get_format (self->muxer), track->in)) {
    tc_note ("track %d: %s sound is copied and not encoded: %s", track->in->index,
             name_of (track->in), why->message);
    copy_track (self, track);
  } else if (wanted) {
    leave_out (track->in, "it cannot be encoded as %s: %s", avcodec_get_name (codec), why->message);
  } else {
    leave_out (track->in, "%s cannot hold it, and it cannot be encoded: %s", container_name (self),
               why->message);
  }
  g_clear_error (&why);
}

static gboolean
add_audio (TcTracks *self, Track *track, GError **error)
{
  const AVOutputFormat *container = tc_muxer_get_format (self->muxer);
  enum AVCodecID codec;

  switch (self->options->audio) {
  case TC_AUDIO_NONE:
    return TRUE;
  case TC_AUDIO_COPY:
    if (tc_container_holds (container, track->in)) {
      copy_track (self, track);
      return TRUE;
    }
    codec = choose_sound (container);
    if (codec == AV_CODEC_ID_NONE)
      leave_out (track->in, "%s holds no sound that can be made here", container->name);
    else
      encode_sound (self, track, codec, FALSE);
    return TRUE;
  default:
    codec = self->options->audio == TC_AUDIO_OPUS ? AV_CODEC_ID_OPUS : AV_CODEC_ID_AAC;
    if (!tc_container_holds_codec (container, codec))
      return tc_fail (error, "%s cannot hold %s sound; choose audio=none or another one",
                      container->name, avcodec_get_name (codec));
    encode_sound (self, track, codec, TRUE);
    return TRUE;
  }
}

/* The first of those like `source`, text or pictures, that the container has. */
static enum AVCodecID
choose_subtitle (const AVOutputFormat *container, enum AVCodecID source)
{
  static const enum AVCodecID texts[] = {AV_CODEC_ID_SUBRIP, AV_CODEC_ID_MOV_TEXT,
                                         AV_CODEC_ID_WEBVTT, AV_CODEC_ID_ASS};
  static const enum AVCodecID pictures[] = {AV_CODEC_ID_DVB_SUBTITLE, AV_CODEC_ID_DVD_SUBTITLE};
  gboolean is_text = tc_subtitle_is_text (source);
  const enum AVCodecID *codecs = is_text ? texts : pictures;

  for (guint i = 0; i < (is_text ? G_N_ELEMENTS (texts) : G_N_ELEMENTS (pictures)); i++)
    if (avcodec_find_encoder (codecs[i]) != NULL && tc_container_holds_codec (container, codecs[i]))
      return codecs[i];
  return AV_CODEC_ID_NONE;
}

static void
add_subtitle (TcTracks *self, Track *track)
{
  const AVOutputFormat *container = tc_muxer_get_format (self->muxer);
  enum AVCodecID codec, source = track->in->codecpar->codec_id;
  GError *why = NULL;

  /* By this name libav's muxer of MPEG-TS writes as Blu-ray has it, where no others have a place.
   */
  if (g_str_equal (container->name, "mpegts") && av_match_ext (self->options->out, "m2ts")) {
    if (source == AV_CODEC_ID_HDMV_PGS_SUBTITLE || source == AV_CODEC_ID_HDMV_TEXT_SUBTITLE)
      copy_track (self, track);
    else
      leave_out (track->in, "m2ts holds no subtitles but those of Blu-ray");
    return;
  }
  if (tc_container_holds (container, track->in)) {
    copy_track (self, track);
    return;
  }
  codec = choose_subtitle (container, source);
  if (codec == AV_CODEC_ID_NONE) {
    leave_out (track->in, "%s holds no subtitles that are %s", container->name,
               tc_subtitle_is_text (source) ? "text" : "pictures");
    return;
  }
  track->subtitle =
      tc_subtitle_new (track->in, codec, self->input->video, wants_global_header (self), &why);
  if (track->subtitle != NULL) {
    tc_note ("track %d: %s cannot hold %s subtitles, they are converted to %s", track->in->index,
             container->name, name_of (track->in), avcodec_get_name (codec));
    add_encoded (self, track, tc_subtitle_get_encoder (track->subtitle));
  } else {
    leave_out (track->in, "%s cannot hold it, and it cannot be converted: %s", container->name,
               why->message);
  }
  g_clear_error (&why);
}

static const char *
mime_type_of (enum AVCodecID codec)
{
  const AVCodecDescriptor *descriptor = avcodec_descriptor_get (codec);

  return descriptor != NULL && descriptor->mime_types != NULL ? descriptor->mime_types[0]
                                                              : "application/octet-stream";
}

/* An attachment with a name and a type, without which the muxer refuses all. */
static void
name_attachment (AVStream *stream, enum AVCodecID codec, const char *name, const char *extension)
{
  char *whole = g_strdup_printf ("%s.%s", name, extension);

  av_dict_set (&stream->metadata, "filename", whole, AV_DICT_DONT_OVERWRITE);
  av_dict_set (&stream->metadata, "mimetype", mime_type_of (codec), AV_DICT_DONT_OVERWRITE);
  g_free (whole);
}

static void
attach_cover (TcTracks *self, Track *track)
{
  const AVPacket *picture = &track->in->attached_pic;
  enum AVCodecID id = track->in->codecpar->codec_id;
  AVCodecParameters *codec;

  track->out = tc_muxer_add_stream (self->muxer, track->in, TRUE);
  track->out->disposition = 0;
  track->in_header = TRUE;
  codec = track->out->codecpar;
  codec->codec_type = AVMEDIA_TYPE_ATTACHMENT;
  codec->codec_id = id;
  codec->extradata = av_mallocz (picture->size + AV_INPUT_BUFFER_PADDING_SIZE);
  if (codec->extradata != NULL) {
    memcpy (codec->extradata, picture->data, picture->size);
    codec->extradata_size = picture->size;
  }
  /* By this name players know it. */
  name_attachment (track->out, id, "cover",
                   id == AV_CODEC_ID_MJPEG ? "jpg" : avcodec_get_name (id));
}

static void
add_cover (TcTracks *self, Track *track)
{
  const AVOutputFormat *container = tc_muxer_get_format (self->muxer);
  const AVPacket *picture = &track->in->attached_pic;

  if (picture->data == NULL || picture->size <= 0)
    leave_out (track->in, "there is no picture in it");
  else if (tc_container_holds_attachments (container))
    attach_cover (self, track);
  else if (tc_container_holds_cover (container, track->in->codecpar->codec_id))
    copy_track (self, track);
  else
    leave_out (track->in, "%s has no place for a cover of that kind", container->name);
}

static void
add_attachment (TcTracks *self, Track *track)
{
  char *name;

  if (!tc_container_holds_attachments (tc_muxer_get_format (self->muxer))) {
    leave_out (track->in, "%s holds no attachments", container_name (self));
    return;
  }
  copy_track (self, track);
  track->in_header = TRUE;
  name = g_strdup_printf ("attachment-%d", track->in->index);
  name_attachment (track->out, track->in->codecpar->codec_id, name, "bin");
  g_free (name);
}

static void
add_other (TcTracks *self, Track *track)
{
  const AVStream *stream = track->in;
  guint32 tag = stream->codecpar->codec_tag;

  if (tag == MKTAG ('t', 'm', 'c', 'd'))
    leave_out (stream, "a time code's track is made anew from the tag of the video");
  else if (stream->codecpar->codec_type == AVMEDIA_TYPE_DATA && stream->discard == AVDISCARD_ALL)
    leave_out (stream, "it only lists the chapters, which are kept as such");
  else if (stream->codecpar->codec_id == AV_CODEC_ID_NONE)
    leave_out (stream, "its kind is not known");
  else if (!tc_container_holds (tc_muxer_get_format (self->muxer), stream))
    leave_out (stream, "%s cannot hold it", container_name (self));
  else
    copy_track (self, track);
  if (track->out != NULL && stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO)
    tc_note ("track %d (video, %s) is copied as it is: one track is enlarged", stream->index,
             name_of (stream));
}

static gboolean
add_track (TcTracks *self, Track *track, GError **error)
{
  if (track->in == self->input->video) {
    self->video = track->out = tc_muxer_add_stream (self->muxer, track->in, FALSE);
    tc_muxer_set_film (self->muxer, self->video);
    remove_stale_tags (&track->out->metadata);
    return TRUE;
  }
  if (track->in->disposition & AV_DISPOSITION_ATTACHED_PIC) {
    add_cover (self, track);
    return TRUE;
  }
  switch (track->in->codecpar->codec_type) {
  case AVMEDIA_TYPE_AUDIO:
    return add_audio (self, track, error);
  case AVMEDIA_TYPE_SUBTITLE:
    add_subtitle (self, track);
    return TRUE;
  case AVMEDIA_TYPE_ATTACHMENT:
    add_attachment (self, track);
    return TRUE;
  default:
    add_other (self, track);
    return TRUE;
  }
}

/* ---- life ---------------------------------------------------------------------------------- */

TcTracks *
tc_tracks_new (const TcOptions *options, const TcInput *input, TcMuxer *muxer, GError **error)
{
  TcTracks *self = g_new0 (TcTracks, 1);
  gboolean ok = TRUE;

  self->options = options;
  self->input = input;
  self->muxer = muxer;
  self->n_tracks = self->n_seen = input->format->nb_streams;
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
tc_tracks_tell (const TcTracks *self)
{
  for (guint i = 0; i < self->n_tracks; i++) {
    const Track *track = &self->tracks[i];
    const char *codec = track->out != NULL ? avcodec_get_name (track->out->codecpar->codec_id) : "";

    if (track->in == self->input->video)
      continue;
    if (track->out == NULL && track->in->codecpar->codec_type == AVMEDIA_TYPE_AUDIO &&
        self->options->audio == TC_AUDIO_NONE)
      tc_note ("track %u (audio, %s) is left out: audio=none", i, name_of (track->in));
    else if (track->out != NULL && (track->audio != NULL || track->subtitle != NULL))
      tc_note ("track %u (%s, %s) is encoded as %s", i, kind_of (track->in), name_of (track->in),
               codec);
    else if (track->out != NULL)
      tc_note ("track %u (%s, %s) is copied", i, kind_of (track->in), name_of (track->in));
  }
}

void
tc_tracks_free (TcTracks *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n_tracks; i++) {
    tc_audio_free (self->tracks[i].audio);
    tc_subtitle_free (self->tracks[i].subtitle);
  }
  g_free (self->tracks);
  g_free (self);
}

AVStream *
tc_tracks_get_video (const TcTracks *self)
{
  return self->video;
}

/* ---- packets ------------------------------------------------------------------------------- */

static gboolean
on_audio_packet (gpointer data, AVPacket *packet, GError **error)
{
  Track *track = data;

  return tc_muxer_write (track->tracks->muxer, packet, track->out,
                         tc_audio_get_encoder (track->audio)->time_base, error);
}

static gboolean
on_subtitle_packet (gpointer data, AVPacket *packet, GError **error)
{
  Track *track = data;

  return tc_muxer_write (track->tracks->muxer, packet, track->out,
                         tc_subtitle_get_encoder (track->subtitle)->time_base, error);
}

/* The header, which lists the tracks, may be written by now. */
static void
tell_of_late_track (TcTracks *self, const AVPacket *packet)
{
  const AVStream *stream = self->input->format->streams[packet->stream_index];
  double seconds = packet->pts == AV_NOPTS_VALUE ? 0 : packet->pts * av_q2d (stream->time_base);

  if ((guint) packet->stream_index < self->n_seen)
    return;
  self->n_seen = packet->stream_index + 1;
  if (self->n_seen - self->n_tracks <= MAX_LATE_LINES)
    leave_out (stream, "it shows up only at %.2f s, after OUT was begun", seconds);
}

gboolean
tc_tracks_push (TcTracks *self, AVPacket *packet, GError **error)
{
  Track *track;

  if ((guint) packet->stream_index >= self->n_tracks) {
    tell_of_late_track (self, packet);
    return TRUE;
  }
  track = &self->tracks[packet->stream_index];
  if (track->out == NULL || track->in_header)
    return TRUE;
  if (track->audio != NULL)
    return tc_audio_push (track->audio, packet, on_audio_packet, track, error);
  if (track->subtitle != NULL)
    return tc_subtitle_push (track->subtitle, packet, on_subtitle_packet, track, error);
  return tc_muxer_write (self->muxer, packet, track->out, track->in->time_base, error);
}

static gboolean
end_track (Track *track, GError **error)
{
  gint64 n_lost = 0;

  if (track->audio != NULL) {
    if (!tc_audio_push (track->audio, NULL, on_audio_packet, track, error))
      return FALSE;
    n_lost = tc_audio_count_lost (track->audio);
  }
  if (track->subtitle != NULL) {
    if (!tc_subtitle_push (track->subtitle, NULL, on_subtitle_packet, track, error))
      return FALSE;
    n_lost = tc_subtitle_count_lost (track->subtitle);
  }
  if (n_lost > 0)
    tc_note ("track %d: %" G_GINT64_FORMAT " packets could not be decoded and are left out",
             track->in->index, n_lost);
  return TRUE;
}

gboolean
tc_tracks_end (TcTracks *self, GError **error)
{
  for (guint i = 0; i < self->n_tracks; i++)
    if (!end_track (&self->tracks[i], error))
      return FALSE;
  return TRUE;
}
