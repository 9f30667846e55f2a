/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "join.h"
#include "message.h"

#include <string.h>

/* More than so many parts that are not whole are counted, not named. */
#define MAX_NAMED 20

struct _TcJoin {
  const TcManifest *manifest;
  char *out;
  AVRational base;
  guint8 *header; /* the codec's, as the container's is going to be */
  int header_size;
  TcPartRecord *records;
  TcPartReader *reader;
  guint next_part;

  /* Decoding times: see next_dts(). */
  guint reorder;
  GArray *waiting; /* times of packets seen, sorted: gint64 */
  gint64 n_given;
  gint64 first_time, step; /* of the first picture, and how long it is shown */
};

/* ---- checking ------------------------------------------------------------------------------- */

static gboolean
check_parts (TcJoin *self, GError **error)
{
  GString *faults = g_string_new (NULL);
  guint n_faults = 0;

  for (guint i = 0; i < self->manifest->n_parts; i++) {
    GError *own_error = NULL;

    if (tc_part_check (self->manifest, self->out, i, TRUE, &self->records[i], &own_error) ==
        TC_PART_WHOLE) {
      self->reorder = MAX (self->reorder, self->records[i].reorder);
      continue;
    }
    if (n_faults++ < MAX_NAMED)
      g_string_append_printf (faults, "%s%s", faults->len > 0 ? "; " : "", own_error->message);
    g_error_free (own_error);
  }
  if (n_faults > MAX_NAMED)
    g_string_append_printf (faults, "; and %u more", n_faults - MAX_NAMED);
  if (n_faults > 0)
    tc_fail (error, "%s.parts: %s", self->out, faults->str);
  g_string_free (faults, TRUE);
  return n_faults == 0;
}

TcJoin *
tc_join_new (const TcManifest *manifest, const char *out, const AVCodecContext *encoder,
             GError **error)
{
  TcJoin *self = g_new0 (TcJoin, 1);

  self->manifest = manifest;
  self->out = g_strdup (out);
  self->base = encoder->time_base;
  self->header = g_memdup2 (encoder->extradata, (gsize) encoder->extradata_size);
  self->header_size = encoder->extradata_size;
  self->records = g_new0 (TcPartRecord, manifest->n_parts);
  self->waiting = g_array_new (FALSE, FALSE, sizeof (gint64));
  if (!check_parts (self, error)) {
    tc_join_free (self);
    return NULL;
  }
  return self;
}

void
tc_join_free (TcJoin *self)
{
  if (self == NULL)
    return;
  tc_part_reader_free (self->reader);
  for (guint i = 0; i < self->manifest->n_parts; i++)
    tc_part_record_clear (&self->records[i]);
  g_free (self->records);
  g_array_unref (self->waiting);
  g_free (self->header);
  g_free (self->out);
  g_free (self);
}

gint64
tc_join_count_packets (const TcJoin *self)
{
  gint64 n = 0;

  for (guint i = 0; i < self->manifest->n_parts; i++)
    n += self->records[i].n_packets;
  return n;
}

/* ---- packets -------------------------------------------------------------------------------- */

static gboolean
open_part (TcJoin *self, GError **error)
{
  guint part = self->next_part++;
  const AVCodecParameters *codec;

  self->reader = tc_part_reader_new (self->out, part, &self->records[part], self->base, error);
  if (self->reader == NULL)
    return FALSE;
  codec = tc_part_reader_get_codec (self->reader);
  if (codec->extradata_size != self->header_size ||
      (self->header_size > 0 &&
       memcmp (codec->extradata, self->header, (size_t) self->header_size) != 0))
    return tc_fail (
        error, "part %u was made by another encoder than this one: their headers differ", part);
  return TRUE;
}

/* Parts were encoded by themselves, each with decoding times from before its own beginning on,
 * which may reach into the part before. Over the whole film they are what an encoder would have
 * given: the n-th packet is decoded when the (n - reorder)-th picture is shown. */
static gint64
next_dts (TcJoin *self, gint64 pts, gint64 duration)
{
  guint place = self->waiting->len;
  gint64 dts;

  if (self->n_given == 0) {
    self->first_time = pts;
    self->step = MAX (duration, 1);
  }
  while (place > 0 && g_array_index (self->waiting, gint64, place - 1) > pts)
    place--;
  g_array_insert_val (self->waiting, place, pts);
  if (self->n_given < self->reorder) {
    dts = self->first_time - (self->reorder - self->n_given) * self->step;
  } else {
    dts = g_array_index (self->waiting, gint64, 0);
    g_array_remove_index (self->waiting, 0);
  }
  self->n_given++;
  return dts;
}

int
tc_join_next (TcJoin *self, AVPacket *packet, GError **error)
{
  int result;

  for (;;) {
    if (self->reader == NULL) {
      if (self->next_part == self->manifest->n_parts)
        return 0;
      if (self->records[self->next_part].n_packets == 0) {
        self->next_part++;
        continue;
      }
      if (!open_part (self, error))
        return -1;
    }
    result = tc_part_reader_next (self->reader, packet, error);
    if (result != 0)
      break;
    tc_part_reader_free (g_steal_pointer (&self->reader));
  }
  if (result > 0)
    packet->dts = next_dts (self, packet->pts, packet->duration);
  return result;
}
