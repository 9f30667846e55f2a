/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the strips of a schedule's activations lie, and which of its tasks depend on which: a
 * reader waits for the writers; a writer for earlier readers and writers of the same strip; and the
 * first task that uses a page for all that used the strip there before. */

#include "kernels/kernels.h"
#include "ops/op.h"
#include "schedule.h"

/* A bundle that has used a strip. Users are numbered from 1: 0 stands for none. */
typedef struct {
  guint bundle;
  guint channel, n;
  gint y0, y1;
  gboolean writes;
  guint next; /* another user of the same strip */
} User;

/* What is known of a strip. */
typedef struct {
  guint users; /* the newest one */
  guint last;  /* the last task that reads or writes it, plus 1 */
  guint first; /* the bundle that waits for the previous users of its page */
  gboolean has_page;
} Strip;

/* A page that was given back. */
typedef struct {
  guint32 page;
  guint since; /* the last task that used it, plus 1 */
  guint users; /* of the strip that lay there */
} FreePage;

typedef struct {
  guint before, bundle;
} Edge;

typedef struct {
  const RfdnGraph *graph;
  const RfdnArray *groups;
  const RfdnLayout *layout;
  const RfdnRect *regions;
  RfdnSchedule *schedule;
  Strip **strips;    /* of each activation */
  RfdnArray **free;  /* of each kind: FreePage, the newest last */
  RfdnArray *users;  /* User */
  RfdnArray *edges;  /* Edge, bundle by bundle */
  guint *first_edge; /* of each bundle */
  guint *marks;      /* of each bundle: the last one that was found to wait for it, plus 1 */
  RfdnArray *before; /* guint: bundles that the current one waits for */
  guint first, end;  /* the current tasks, all chunks of the same rows: first + 1 to end */
  guint bundle;      /* theirs */
} Places;

/* Channels and rows of a strip; `bundle` and `next` mean nothing yet. */
typedef void (*StripFunc) (Places *places, guint activation, guint strip, const User *access);

static gint
strip_floor (gint y)
{
  return y & ~(RFDN_STRIP - 1);
}

static guint
get_strip (const Places *places, guint activation, gint y)
{
  return (guint) (y - strip_floor (places->regions[activation].y0)) / RFDN_STRIP;
}

static void
visit_rows (Places *places, const RfdnRows *rows, const RfdnSlice *slice, gboolean writes,
            StripFunc visit)
{
  const User access = {0, slice->first, slice->n, rows->first, rows->end, writes, 0};
  const guint last = get_strip (places, rows->activation, rows->end - 1);

  for (guint strip = get_strip (places, rows->activation, rows->first); strip <= last; strip++)
    visit (places, rows->activation, strip, &access);
}

static void
visit_layer (Places *places, const RfdnTask *task, guint index, StripFunc visit)
{
  const RfdnLayer *layer = rfdn_graph_layer (places->graph, index);
  const RfdnRect *region = &places->regions[layer->out.activation];
  const RfdnRows out = {layer->out.activation, MAX (task->y0, region->y0),
                        MIN (task->y1, region->y1)};
  RfdnRead reads[RFDN_MAX_READS];
  RfdnRows rows[RFDN_MAX_READS];

  if (out.first >= out.end)
    return;
  const guint n = rfdn_layer_get_rows (layer, places->graph, places->layout, places->regions,
                                       out.first, out.end, rows);
  rfdn_layer_get_reads (layer, places->graph, reads);
  for (guint k = 0; k < n; k++)
    visit_rows (places, &rows[k], &reads[k].slice, FALSE, visit);
  /* The last layer's output goes to the picture. */
  if (index + 1 < places->graph->layers->len)
    visit_rows (places, &out, &layer->out, TRUE, visit);
}

/* All strips that the current tasks use, in the order in which they do. */
static void
visit_strips (Places *places, const RfdnTask *task, StripFunc visit)
{
  const RfdnGroup *group = &g_array_index (places->groups, RfdnGroup, task->group);
  const RfdnSlice input = rfdn_graph_get_input (places->graph);

  if (group->first == group->end)
    visit_rows (places, &(RfdnRows){0, task->y0, task->y1}, &input, TRUE, visit);
  for (guint i = group->first; i < group->end; i++)
    visit_layer (places, task, i, visit);
}

static void
note_last_use (Places *places, guint activation, guint strip, const User *access)
{
  places->strips[activation][strip].last = places->end;
}

/* ---- who waits for whom ---------------------------------------------------------------------- */

static void
wait_for (Places *places, guint bundle)
{
  if (bundle == places->bundle || places->marks[bundle] == places->bundle + 1)
    return;
  places->marks[bundle] = places->bundle + 1;
  rfdn_array_append (places->before, &bundle);
}

static const User *
get_user (const Places *places, guint number)
{
  return &g_array_index (places->users, User, number - 1);
}

static void
wait_for_all (Places *places, guint users)
{
  for (; users != 0; users = get_user (places, users)->next)
    wait_for (places, get_user (places, users)->bundle);
}

/* A reader waits for all rows of the strip that come before it in the list: kernels may read rows
 * next to those that their result depends on. */
static gboolean
must_wait (const User *access, const User *user)
{
  const gboolean meet =
      access->channel < user->channel + user->n && user->channel < access->channel + access->n;

  if (!meet || (!access->writes && !user->writes))
    return FALSE;
  return !access->writes || (access->y0 < user->y1 && user->y0 < access->y1);
}

static void
wait_for_users (Places *places, const Strip *strip, const User *access)
{
  for (guint i = strip->users; i != 0; i = get_user (places, i)->next) {
    if (must_wait (access, get_user (places, i)))
      wait_for (places, get_user (places, i)->bundle);
  }
}

static void
add_user (Places *places, Strip *strip, const User *access)
{
  User user = *access;

  user.bundle = places->bundle;
  user.next = strip->users;
  if (rfdn_array_append (places->users, &user))
    strip->users = places->users->len;
}

/* The edges of the current bundle, without those that others imply. */
static void
append_edges (Places *places)
{
  const RfdnArray *before = places->before;

  for (guint i = 0; i < before->len; i++) {
    const guint bundle = g_array_index (before, guint, i);
    for (guint k = places->first_edge[bundle]; k < places->first_edge[bundle + 1]; k++)
      places->marks[g_array_index (places->edges, Edge, k).before] = 0;
  }
  for (guint i = 0; i < before->len; i++) {
    const Edge edge = {g_array_index (before, guint, i), places->bundle};
    if (places->marks[edge.before] != 0)
      rfdn_array_append (places->edges, &edge);
  }
  places->before->len = 0;
  places->first_edge[places->bundle + 1] = places->edges->len;
}

/* The end waits for all bundles that no other waits for. */
static void
append_end (Places *places)
{
  const guint n_edges = places->edges->len;

  for (guint i = 0; i < n_edges; i++)
    places->marks[g_array_index (places->edges, Edge, i).before] = G_MAXUINT;
  for (guint i = 0; i < places->bundle; i++) {
    const Edge edge = {i, places->bundle};
    if (places->marks[i] != G_MAXUINT)
      rfdn_array_append (places->edges, &edge);
  }
}

/* Inverts the edges. FALSE if there is no memory. */
static gboolean
list_followers (Places *places)
{
  RfdnSchedule *schedule = places->schedule;
  RfdnBundle *bundles = schedule->bundles->data;
  guint n = 0;

  schedule->followers = rfdn_try_new (guint, places->edges->len);
  if (schedule->followers == NULL)
    return FALSE;
  for (guint i = 0; i < places->edges->len; i++)
    bundles[g_array_index (places->edges, Edge, i).before].n_followers++;
  for (guint b = 0; b < schedule->bundles->len; b++) {
    bundles[b].first_follower = n;
    n += bundles[b].n_followers;
    bundles[b].n_followers = 0;
  }
  for (guint i = 0; i < places->edges->len; i++) {
    const Edge edge = g_array_index (places->edges, Edge, i);
    RfdnBundle *before = &bundles[edge.before];
    schedule->followers[before->first_follower + before->n_followers++] = edge.bundle;
    bundles[edge.bundle].n_before++;
  }
  return TRUE;
}

/* ---- pages ----------------------------------------------------------------------------------- */

/* The newest page that no thread can still be using when the next task starts; with one that has
 * just been returned threads would wait for each other. */
static guint32
take_page (Places *places, guint kind)
{
  RfdnArray *free = places->free[kind];

  for (guint i = free->len; i-- > 0;) {
    const FreePage page = g_array_index (free, FreePage, i);
    if (page.since + places->layout->distance <= places->first) {
      rfdn_array_remove (free, i);
      wait_for_all (places, page.users);
      return page.page;
    }
  }
  return places->schedule->n_pages[kind]++;
}

static void
place_strip (Places *places, guint activation, guint strip, const User *access)
{
  Strip *at = &places->strips[activation][strip];

  if (!at->has_page) {
    places->schedule->page[activation][strip] =
        take_page (places, places->schedule->kind[activation]);
    at->has_page = TRUE;
    at->first = places->bundle;
  }
  if (access->writes)
    wait_for (places, at->first);
  wait_for_users (places, at, access);
  add_user (places, at, access);
}

static void
give_back (Places *places, guint activation, guint strip, const User *access)
{
  Strip *at = &places->strips[activation][strip];
  const FreePage page = {places->schedule->page[activation][strip], places->end, at->users};

  if (at->last != places->end)
    return;
  at->last = 0; /* once */
  rfdn_array_append (places->free[places->schedule->kind[activation]], &page);
}

static gboolean
find_kinds (RfdnSchedule *self, const RfdnGraph *graph)
{
  const guint n = graph->activations->len;

  self->kinds = rfdn_array_new (sizeof (RfdnPageKind), NULL);
  self->kind = rfdn_try_new (guint, n);
  for (guint i = 0; self->kind != NULL && i < n; i++) {
    const RfdnActivation *activation = rfdn_graph_activation (graph, i);
    const RfdnPageKind kind = {activation->grid, activation->channels};
    guint k = 0;
    for (; k < self->kinds->len; k++) {
      const RfdnPageKind *other = &g_array_index (self->kinds, RfdnPageKind, k);
      if (other->grid == kind.grid && other->channels == kind.channels)
        break;
    }
    if (k == self->kinds->len && !rfdn_array_append (self->kinds, &kind))
      return FALSE;
    self->kind[i] = k;
  }
  self->n_pages = rfdn_try_new (guint, self->kinds->len);
  return self->kind != NULL && self->n_pages != NULL;
}

/* ---- all tasks ------------------------------------------------------------------------------- */

/* The bundles and units of the tasks. */
static gboolean
make_bundles (RfdnSchedule *self)
{
  self->bundles = rfdn_array_new (sizeof (RfdnBundle), NULL);
  self->units = rfdn_array_new (sizeof (RfdnUnit), NULL);
  for (guint t = 0; t < self->tasks->len; t++) {
    const RfdnTask *task = &g_array_index (self->tasks, RfdnTask, t);
    const RfdnBundle bundle = {.first_unit = self->units->len, .n_units = task->n_chunks};
    if (task->joined)
      continue;
    if (task->chunk == 0 && !rfdn_array_append (self->bundles, &bundle))
      return FALSE;
    const RfdnUnit unit = {t, self->bundles->len - 1};
    if (!rfdn_array_append (self->units, &unit))
      return FALSE;
  }
  const RfdnBundle end = {.first_unit = self->units->len};
  return rfdn_array_append (self->bundles, &end);
}

static gboolean
places_alloc (Places *places)
{
  const guint n = places->graph->activations->len, n_kinds = places->schedule->kinds->len;
  const guint n_bundles = places->schedule->bundles->len;

  places->schedule->page = rfdn_try_new (guint32 *, n + 1);
  places->strips = rfdn_try_new (Strip *, n);
  places->free = rfdn_try_new (RfdnArray *, n_kinds);
  places->users = rfdn_array_new (sizeof (User), NULL);
  places->edges = rfdn_array_new (sizeof (Edge), NULL);
  places->before = rfdn_array_new (sizeof (guint), NULL);
  places->first_edge = rfdn_try_new (guint, n_bundles + 1);
  places->marks = rfdn_try_new (guint, n_bundles);
  if (!places->schedule->page || !places->strips || !places->free || !places->first_edge ||
      !places->marks)
    return FALSE;
  for (guint i = 0; i < n; i++) {
    const guint n_strips = get_strip (places, i, places->regions[i].y1 - 1) + 1;
    places->strips[i] = rfdn_try_new (Strip, n_strips);
    places->schedule->page[i] = rfdn_try_new (guint32, n_strips);
    if (places->strips[i] == NULL || places->schedule->page[i] == NULL)
      return FALSE;
  }
  for (guint k = 0; k < n_kinds; k++)
    places->free[k] = rfdn_array_new (sizeof (FreePage), NULL);
  return TRUE;
}

static void
places_clear (Places *places)
{
  for (guint k = 0; places->free != NULL && k < places->schedule->kinds->len; k++)
    rfdn_array_free (places->free[k]);
  for (guint i = 0; places->strips != NULL && i < places->graph->activations->len; i++)
    g_free (places->strips[i]);
  g_free (places->free);
  g_free (places->strips);
  rfdn_array_free (places->users);
  rfdn_array_free (places->edges);
  rfdn_array_free (places->before);
  g_free (places->first_edge);
  g_free (places->marks);
}

static void
find_last_uses (Places *places)
{
  const RfdnArray *tasks = places->schedule->tasks;

  for (guint t = 0; t < tasks->len; t = places->end) {
    const RfdnTask *task = &g_array_index (tasks, RfdnTask, t);
    places->end = t + task->n_chunks;
    visit_strips (places, task, note_last_use);
  }
}

static void
deal_out_pages (Places *places)
{
  const RfdnArray *tasks = places->schedule->tasks;

  for (guint t = 0; t < tasks->len; t = places->end) {
    const RfdnTask *task = &g_array_index (tasks, RfdnTask, t);
    places->first = t;
    places->end = t + task->n_chunks;
    visit_strips (places, task, place_strip);
    visit_strips (places, task, give_back);
    if (places->end == tasks->len || !g_array_index (tasks, RfdnTask, places->end).joined) {
      append_edges (places);
      places->bundle++;
    }
  }
  append_end (places);
}

static gboolean
has_failed (const Places *places)
{
  gboolean failed = places->users->failed || places->edges->failed || places->before->failed;

  for (guint k = 0; k < places->schedule->kinds->len; k++)
    failed |= places->free[k]->failed;
  return failed;
}

gboolean
rfdn_schedule_place (RfdnSchedule *self, const RfdnGraph *graph, const RfdnArray *groups,
                     const RfdnLayout *layout, const RfdnRect *regions)
{
  Places places = {graph, groups, layout, regions, .schedule = self};
  gboolean ok = FALSE;

  if (find_kinds (self, graph) && make_bundles (self) && places_alloc (&places)) {
    find_last_uses (&places);
    deal_out_pages (&places);
    ok = !has_failed (&places) && list_followers (&places);
  }
  places_clear (&places);
  return ok;
}
