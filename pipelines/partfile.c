/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "partfile.h"
#include "message.h"
#include "tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION 1
#define TEMP_PREFIX ".making-"

/* How far a packet may be from where it is shown; no codec reorders more than 16 frames. */
#define MAX_REORDER 64

static char *
part_path (const char *out, guint part, const char *extension)
{
  char *name = g_strdup_printf ("%05u.%s", part, extension), *path = tc_parts_path (out, name);

  g_free (name);
  return path;
}

/* ---- writing -------------------------------------------------------------------------------- */

struct _TcPartWriter {
  const TcManifest *manifest;
  char *out, *temp;
  guint part;
  AVFormatContext *format;
  AVRational base;
  AVPacket *packet;
  GArray *times; /* of the packets, in their order */
  TcPartRecord record;
};

static gboolean
fail_write (TcPartWriter *self, int code, GError **error)
{
  if (self->format->pb != NULL && self->format->pb->error < 0)
    code = self->format->pb->error;
  return tc_fail_av (error, code, "%s: writing failed", self->temp);
}

static gboolean
open_nut (TcPartWriter *self, const AVCodecContext *encoder, GError **error)
{
  AVDictionary *settings = NULL;
  AVStream *stream;
  char *url;
  int result = avformat_alloc_output_context2 (&self->format, NULL, "nut", NULL);

  if (result < 0)
    return tc_fail_av (error, result, "%s: cannot be made", self->temp);
  stream = avformat_new_stream (self->format, NULL);
  avcodec_parameters_from_context (stream->codecpar, encoder);
  stream->codecpar->codec_tag = 0;
  stream->time_base = encoder->time_base;
  url = g_strconcat ("file:", self->temp, NULL);
  result = avio_open (&self->format->pb, url, AVIO_FLAG_WRITE);
  g_free (url);
  if (result < 0)
    return tc_fail_av (error, result, "%s: cannot be written", self->temp);
  /* What a packet has besides its bits, as the alpha of VP9, is kept from version 4 on. */
  av_dict_set (&settings, "syncpoints", "timestamped", 0);
  self->format->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
  self->format->flags |= AVFMT_FLAG_BITEXACT;
  self->format->avoid_negative_ts = 0;
  result = avformat_write_header (self->format, &settings);
  av_dict_free (&settings);
  return result < 0 ? fail_write (self, result, error) : TRUE;
}

TcPartWriter *
tc_part_writer_new (const TcManifest *manifest, const char *out, guint part,
                    const AVCodecContext *encoder, GError **error)
{
  TcPartWriter *self = g_new0 (TcPartWriter, 1);
  char *name =
      g_strdup_printf (TEMP_PREFIX "%05u-%s-%d.nut", part, g_get_host_name (), (int) getpid ());

  self->manifest = manifest;
  self->out = g_strdup (out);
  self->temp = tc_parts_path (out, name);
  self->part = part;
  self->base = encoder->time_base;
  self->packet = av_packet_alloc ();
  self->times = g_array_new (FALSE, FALSE, sizeof (gint64));
  self->record.durations = g_array_new (FALSE, FALSE, 2 * sizeof (gint64));
  g_free (name);
  tc_signals_set_part (self->temp);
  if (!open_nut (self, encoder, error)) {
    tc_part_writer_free (self);
    return NULL;
  }
  return self;
}

void
tc_part_writer_free (TcPartWriter *self)
{
  if (self == NULL)
    return;
  if (self->format != NULL) {
    avio_closep (&self->format->pb);
    avformat_free_context (self->format);
  }
  if (self->temp != NULL)
    unlink (self->temp);
  tc_signals_set_part (NULL);
  av_packet_free (&self->packet);
  g_array_unref (self->times);
  tc_part_record_clear (&self->record);
  g_free (self->temp);
  g_free (self->out);
  g_free (self);
}

static void
add_duration (GArray *durations, gint64 duration)
{
  gint64 pair[2] = {1, duration}, *last;

  if (durations->len > 0) {
    last = (gint64 *) (void *) durations->data + 2 * (durations->len - 1);
    if (last[1] == duration) {
      last[0]++;
      return;
    }
  }
  g_array_append_val (durations, pair);
}

gboolean
tc_part_writer_add (TcPartWriter *self, const AVPacket *packet, GError **error)
{
  gint64 dts = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
  int result;

  if (packet->pts == AV_NOPTS_VALUE || packet->pts < dts)
    return tc_fail (error, "part %u: the encoder made a packet without a time", self->part);
  if (self->times->len == 0)
    self->record.first_dts = dts;
  g_array_append_val (self->times, packet->pts);
  add_duration (self->record.durations, packet->duration);
  result = av_packet_ref (self->packet, packet);
  if (result < 0)
    return tc_fail_av (error, result, "part %u", self->part);
  /* NUT has no times before 0. */
  self->packet->pts = packet->pts - self->record.first_dts;
  self->packet->dts = dts - self->record.first_dts;
  self->packet->stream_index = 0;
  av_packet_rescale_ts (self->packet, self->base, self->format->streams[0]->time_base);
  result = av_write_frame (self->format, self->packet);
  av_packet_unref (self->packet);
  if (result < 0 || self->format->pb->error < 0)
    return fail_write (self, result, error);
  return TRUE;
}

/* By how many places a packet may come behind where it is in the order of time. */
static guint
count_reorder (const GArray *times)
{
  GArray *sorted = g_array_copy ((GArray *) times);
  guint reorder = 0, place;

  g_array_sort (sorted, tc_compare_times);
  for (guint i = 0; i < times->len; i++)
    if (g_array_binary_search (sorted, &g_array_index (times, gint64, i), tc_compare_times,
                               &place) &&
        i > place)
      reorder = MAX (reorder, i - place);
  g_array_unref (sorted);
  return reorder;
}

static char *
record_to_text (const TcPartWriter *self, const char *sum)
{
  JsonBuilder *builder = json_builder_new ();
  const GArray *durations = self->record.durations;
  JsonNode *root;
  char *text;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "version");
  json_builder_add_int_value (builder, VERSION);
  tc_made_write (self->manifest->made, builder);
  json_builder_set_member_name (builder, "start");
  json_builder_add_int_value (builder, self->manifest->parts[self->part].start);
  json_builder_set_member_name (builder, "end");
  json_builder_add_int_value (builder, self->manifest->parts[self->part].end);
  json_builder_set_member_name (builder, "packets");
  json_builder_add_int_value (builder, self->record.n_packets);
  json_builder_set_member_name (builder, "bytes");
  json_builder_add_int_value (builder, self->record.n_bytes);
  json_builder_set_member_name (builder, "sha256");
  json_builder_add_string_value (builder, sum);
  json_builder_set_member_name (builder, "first-dts");
  json_builder_add_int_value (builder, self->record.first_dts);
  json_builder_set_member_name (builder, "reorder");
  json_builder_add_int_value (builder, self->record.reorder);
  json_builder_set_member_name (builder, "durations");
  json_builder_begin_array (builder);
  for (guint i = 0; i < 2 * durations->len; i++)
    json_builder_add_int_value (builder, ((const gint64 *) (const void *) durations->data)[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, FALSE);
  json_node_unref (root);
  g_object_unref (builder);
  return text;
}

/* The bits are on the disk before the name is, whatever order the file system likes better. */
static gboolean
put_in_place (const char *temp, const char *path, GError **error)
{
  int fd = open (temp, O_RDWR | O_CLOEXEC);
  gboolean ok = fd >= 0 && fsync (fd) == 0 && rename (temp, path) == 0;

  if (!ok)
    tc_fail (error, "%s: %s", path, g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return ok;
}

gboolean
tc_part_writer_commit (TcPartWriter *self, GError **error)
{
  char *path = part_path (self->out, self->part, "nut"), *text, *sum = NULL;
  char *record = part_path (self->out, self->part, "json");
  int result = av_write_trailer (self->format);
  struct stat status;
  gboolean ok = TRUE;

  if (result >= 0)
    avio_flush (self->format->pb);
  if (result < 0 || self->format->pb->error < 0)
    ok = fail_write (self, result, error);
  if (ok && (result = avio_closep (&self->format->pb)) < 0)
    ok = tc_fail_av (error, result, "%s: writing failed", self->temp);
  self->record.n_packets = self->times->len;
  self->record.reorder = count_reorder (self->times);
  ok = ok && (sum = tc_hash_file (self->temp, TRUE, error)) != NULL;
  if (ok && stat (self->temp, &status) != 0)
    ok = tc_fail (error, "%s: %s", self->temp, g_strerror (errno));
  if (ok) {
    self->record.n_bytes = status.st_size;
    /* Whoever reads meanwhile is not to find an earlier record with the new part. */
    unlink (record);
    text = record_to_text (self, sum);
    ok = put_in_place (self->temp, path, error) && tc_replace_file (record, text, error);
    g_clear_pointer (&self->temp, g_free);
    g_free (text);
  }
  g_free (sum);
  g_free (record);
  g_free (path);
  return ok;
}

/* ---- the folder ----------------------------------------------------------------------------- */

void
tc_parts_clean (const char *out)
{
  char *folder = tc_parts_folder (out);
  GDir *dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    if (g_str_has_prefix (name, TEMP_PREFIX)) {
      char *path = tc_parts_path (out, name);

      unlink (path);
      g_free (path);
    }
  }
  if (dir != NULL)
    g_dir_close (dir);
  g_free (folder);
}

static gboolean
is_part_file (const char *name)
{
  return g_str_equal (name, "manifest.json") || g_str_has_prefix (name, TEMP_PREFIX) ||
         g_str_has_prefix (name, "manifest.json.") ||
         (g_ascii_isdigit (name[0]) && strspn (name, "0123456789") >= 5);
}

void
tc_parts_remove (const char *out)
{
  char *folder = tc_parts_folder (out);
  GDir *dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    if (is_part_file (name)) {
      char *path = tc_parts_path (out, name);

      unlink (path);
      g_free (path);
    }
  }
  if (dir != NULL)
    g_dir_close (dir);
  rmdir (folder);
  g_free (folder);
}

/* ---- checking ------------------------------------------------------------------------------- */

void
tc_part_record_clear (TcPartRecord *record)
{
  if (record->durations != NULL)
    g_array_unref (record->durations);
  *record = (TcPartRecord){0};
}

static gboolean
parse_durations (JsonObject *object, TcPartRecord *record)
{
  JsonNode *node = json_object_get_member (object, "durations");
  JsonArray *array =
      node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  gint64 left = record->n_packets;

  record->durations = g_array_new (FALSE, FALSE, 2 * sizeof (gint64));
  for (guint i = 0; array != NULL && i + 1 < json_array_get_length (array); i += 2) {
    gint64 pair[2] = {json_array_get_int_element (array, i),
                      json_array_get_int_element (array, i + 1)};

    if (pair[0] <= 0 || pair[0] > left)
      return FALSE;
    left -= pair[0];
    g_array_append_val (record->durations, pair);
  }
  return left == 0;
}

/* What the record says besides what it is made of. */
static gboolean
parse_record (JsonObject *object, TcPartRecord *record)
{
  gint64 reorder = json_object_get_int_member_with_default (object, "reorder", -1);

  record->n_packets = json_object_get_int_member_with_default (object, "packets", -1);
  record->n_bytes = json_object_get_int_member_with_default (object, "bytes", -1);
  record->first_dts = json_object_get_int_member_with_default (object, "first-dts", 0);
  record->reorder = (guint) CLAMP (reorder, 0, MAX_REORDER);
  return record->n_packets >= 0 && record->n_bytes >= 0 && reorder >= 0 && reorder <= MAX_REORDER &&
         parse_durations (object, record);
}

static TcPartState
compare_record (const TcManifest *manifest, guint part, JsonObject *object, GError **error)
{
  const TcRange *range = &manifest->parts[part];
  char *made[TC_N_MADE], *difference = NULL;

  if (tc_made_read (made, object))
    difference = tc_made_compare (manifest->made, made);
  else
    difference = g_strdup ("what it is made of is not told");
  tc_made_clear (made);
  if (difference != NULL) {
    tc_fail (error, "part %u is of another job (%s)", part, difference);
    g_free (difference);
    return TC_PART_FOREIGN;
  }
  if (json_object_get_int_member_with_default (object, "start", range->end) != range->start ||
      json_object_get_int_member_with_default (object, "end", range->start) != range->end) {
    tc_fail (error, "part %u is of another job (cut at other times)", part);
    return TC_PART_FOREIGN;
  }
  return TC_PART_WHOLE;
}

static TcPartState
check_file (const char *path, guint part, const TcPartRecord *record, const char *wanted,
            gboolean sum, GError **error)
{
  struct stat status;
  char *hash = NULL;
  gboolean equal;

  if (stat (path, &status) != 0) {
    tc_fail (error, "part %u is missing (%s: %s)", part, path, g_strerror (errno));
    return TC_PART_MISSING;
  }
  equal = status.st_size == record->n_bytes;
  if (equal && sum) {
    hash = tc_hash_file (path, TRUE, NULL);
    equal = g_strcmp0 (hash, wanted) == 0;
    g_free (hash);
  }
  if (!equal)
    tc_fail (error, "part %u is damaged (%s is not what was written)", part, path);
  return equal ? TC_PART_WHOLE : TC_PART_DAMAGED;
}

TcPartState
tc_part_check (const TcManifest *manifest, const char *out, guint part, gboolean sum,
               TcPartRecord *record, GError **error)
{
  char *path = part_path (out, part, "json"), *nut = part_path (out, part, "nut");
  JsonParser *parser = json_parser_new_immutable ();
  TcPartState state = TC_PART_DAMAGED;
  JsonNode *root = NULL;
  JsonObject *object;

  *record = (TcPartRecord){0};
  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    tc_fail (error, "part %u is missing", part);
    state = TC_PART_MISSING;
  } else if (!json_parser_load_from_file (parser, path, NULL) ||
             (root = json_parser_get_root (parser)) == NULL || !JSON_NODE_HOLDS_OBJECT (root) ||
             !parse_record (object = json_node_get_object (root), record) ||
             json_object_get_int_member_with_default (object, "version", 0) != VERSION) {
    tc_fail (error, "part %u is damaged (%s is not a record)", part, path);
  } else {
    state = compare_record (manifest, part, object, error);
    if (state == TC_PART_WHOLE)
      state = check_file (nut, part, record,
                          json_object_get_string_member_with_default (object, "sha256", NULL), sum,
                          error);
  }
  if (state != TC_PART_WHOLE)
    tc_part_record_clear (record);
  g_object_unref (parser);
  g_free (nut);
  g_free (path);
  return state;
}

/* ---- reading -------------------------------------------------------------------------------- */

struct _TcPartReader {
  AVFormatContext *format;
  const TcPartRecord *record;
  AVRational base;
  guint part;
  gint64 n_read;
  guint run;     /* of durations */
  gint64 in_run; /* packets read of that */
};

TcPartReader *
tc_part_reader_new (const char *out, guint part, const TcPartRecord *record, AVRational base,
                    GError **error)
{
  TcPartReader *self = g_new0 (TcPartReader, 1);
  char *path = part_path (out, part, "nut"), *url = g_strconcat ("file:", path, NULL);
  int result = 0;

  self->record = record;
  self->part = part;
  self->base = base;
  self->format = avformat_alloc_context ();
  /* Packets as they were written, whatever a parser would think of them. */
  self->format->flags |= AVFMT_FLAG_NOPARSE | AVFMT_FLAG_NOFILLIN;
  result = avformat_open_input (&self->format, url, av_find_input_format ("nut"), NULL);
  if (result < 0)
    tc_fail_av (error, result, "part %u: %s", part, path);
  else if (self->format->nb_streams != 1)
    result = -1, tc_fail (error, "part %u: %s has not one track", part, path);
  g_free (url);
  g_free (path);
  if (result < 0) {
    tc_part_reader_free (self);
    return NULL;
  }
  return self;
}

void
tc_part_reader_free (TcPartReader *self)
{
  if (self == NULL)
    return;
  avformat_close_input (&self->format);
  g_free (self);
}

const AVCodecParameters *
tc_part_reader_get_codec (const TcPartReader *self)
{
  return self->format->streams[0]->codecpar;
}

static gint64
next_duration (TcPartReader *self)
{
  const gint64 *pair =
      (const gint64 *) (const void *) self->record->durations->data + 2 * (gsize) self->run;

  if (++self->in_run == pair[0]) {
    self->run++;
    self->in_run = 0;
  }
  return pair[1];
}

int
tc_part_reader_next (TcPartReader *self, AVPacket *packet, GError **error)
{
  int result = av_read_frame (self->format, packet);

  if (result < 0 && self->n_read == self->record->n_packets)
    return 0;
  if (result < 0 || self->n_read == self->record->n_packets) {
    tc_fail (error, "part %u is damaged (its packets are not as many as were written)", self->part);
    return -1;
  }
  self->n_read++;
  packet->pts = av_rescale_q (packet->pts, self->format->streams[0]->time_base, self->base) +
                self->record->first_dts;
  packet->dts = AV_NOPTS_VALUE;
  packet->duration = next_duration (self);
  packet->stream_index = 0;
  packet->pos = -1;
  return 1;
}
