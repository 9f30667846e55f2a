/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Networks with a sharper and a softer sibling in their file: what mixtures of them make, and files
 * that promise siblings which they do not have. */

#include <math.h>
#include <string.h>

#include "picture.h"
#include "safetensors.h"
#include "synthetic.h"

#define BOTH "\"siblings\":\"sharp soft\""

enum { OWN, SHARP, SOFT, N_NETWORKS };

static const char *const prefixes[N_NETWORKS] = {"", "sharp.", "soft."};

/* What a unit stands for, in all channels of all maps; sums of two have exact halves. */
static const char *const steps[N_NETWORKS] = {"0.001953125", "0.005859375", "0.00390625"};

/* Networks of the same layers with other weights. */
static RfdnTensorFile *
make_network (guint32 seed)
{
  const SyntheticNetwork network = {"reprfn", 8, 1, 2, 1, FALSE, seed};
  g_autoptr (GBytes) bytes = synthetic_network_new (&network);

  return rfdn_tensor_file_new (bytes, NULL);
}

static RfdnTensorFile **
make_networks (void)
{
  static RfdnTensorFile *networks[N_NETWORKS];

  for (guint i = 0; i < N_NETWORKS && networks[N_NETWORKS - 1] == NULL; i++)
    networks[i] = make_network (i + 1);
  return networks;
}

/* Lines of metadata `steps`: for each map but the input and the output. */
static char *
get_steps (const char *step)
{
  GString *text = g_string_new (NULL);

  for (guint line = 0; line < 6; line++) {
    for (guint c = 0; c < 8; c++)
      g_string_append_printf (text, "%s ", step);
    g_string_append (text, "\\n");
  }
  return g_string_free (text, FALSE);
}

static void
add_tensors (GArray *tensors, const RfdnTensorFile *network, const char *prefix)
{
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, network->tensors);
  while (g_hash_table_iter_next (&iter, &name, &value)) {
    const RfdnTensor *tensor = value;
    SyntheticTensor copy = {g_strconcat (prefix, name, NULL), tensor->n_dims, {0}, tensor->values};
    memcpy (copy.shape, tensor->shape, sizeof copy.shape);
    g_array_append_val (tensors, copy);
  }
}

/* A file of the first `n` networks. `changed` takes the place of the tensor of its name, or removes
 * it if it has no values. */
static GBytes *
make_file (RfdnTensorFile **networks, guint n, const char *metadata, const SyntheticTensor *changed)
{
  g_autoptr (GArray) tensors = g_array_new (FALSE, FALSE, sizeof (SyntheticTensor));
  GBytes *bytes;

  for (guint i = 0; i < n; i++)
    add_tensors (tensors, networks[i], prefixes[i]);
  for (guint i = 0; changed != NULL && i < tensors->len; i++) {
    SyntheticTensor *tensor = &g_array_index (tensors, SyntheticTensor, i);
    if (!g_str_equal (tensor->name, changed->name))
      continue;
    g_free ((char *) tensor->name);
    if (changed->values == NULL) {
      g_array_remove_index (tensors, i);
    } else {
      *tensor = *changed;
      tensor->name = g_strdup (changed->name);
    }
    break;
  }
  bytes = synthetic_file_new ((const SyntheticTensor *) (gpointer) tensors->data, tensors->len,
                              metadata);
  for (guint i = 0; i < tensors->len; i++)
    g_free ((char *) g_array_index (tensors, SyntheticTensor, i).name);
  return bytes;
}

static RfdnModel *
load (RfdnTensorFile **networks, guint n, const char *metadata)
{
  g_autoptr (GBytes) bytes = make_file (networks, n, metadata, NULL);
  g_autoptr (GError) error = NULL;
  RfdnModel *model = rfdn_model_new (bytes, &error);

  g_assert_no_error (error);
  return model;
}

/* A model of one network alone, with its steps. */
static RfdnModel *
load_alone (RfdnTensorFile *network, const char *step)
{
  g_autofree char *lines = get_steps (step);
  g_autofree char *metadata = g_strdup_printf ("{\"steps\":\"%s\"}", lines);

  return load (&network, 1, metadata);
}

static RfdnModel *
load_with_siblings (void)
{
  g_autofree char *own = get_steps (steps[OWN]);
  g_autofree char *sharp = get_steps (steps[SHARP]);
  g_autofree char *soft = get_steps (steps[SOFT]);
  g_autofree char *metadata = g_strdup_printf (
      "{" BOTH ",\"steps\":\"%s\",\"sharp.steps\":\"%s\",\"soft.steps\":\"%s\"}", own, sharp, soft);

  return load (make_networks (), N_NETWORKS, metadata);
}

static void
assert_same (RfdnModel *a, RfdnModel *b, gboolean is_same)
{
  g_autoptr (Map) picture = make_picture (1, 19, 27);

  for (guint precision = 0; precision < RFDN_PRECISION_AUTO; precision++) {
    RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
    gsize n, m;
    params.precision = precision;
    g_autofree guint8 *one = upscale_bytes (a, &params, picture, &n);
    g_autofree guint8 *other = upscale_bytes (b, &params, picture, &m);
    if (is_same)
      g_assert_cmpmem (one, n, other, m);
    else
      g_assert_true (n == m && memcmp (one, other, n) != 0);
  }
}

/* At -1, 0 and 1 it is one of the three networks, with its own steps. */
static void
test_ends (void)
{
  static const struct {
    float sharpness;
    guint network;
  } cases[] = {{0, OWN}, {1, SHARP}, {-1, SOFT}};
  g_autoptr (RfdnModel) model = load_with_siblings ();

  g_assert_true (rfdn_model_get_info (model)->has_siblings);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const guint k = cases[i].network;
    g_autoptr (RfdnModel) alone = load_alone (make_networks ()[k], steps[k]);
    g_autoptr (RfdnModel) mixed = rfdn_model_sharpen (model, cases[i].sharpness, NULL);
    g_autoptr (RfdnModel) again = rfdn_model_sharpen (mixed, cases[i].sharpness, NULL);

    assert_same (mixed, alone, TRUE);
    assert_same (again, alone, TRUE); /* of the file, not of a mixture */
    assert_same (mixed, model, k == OWN);
    g_assert_true (rfdn_model_get_info (mixed)->has_siblings);
    g_assert_cmpuint (rfdn_model_get_info (mixed)->parameters, ==,
                      rfdn_model_get_info (alone)->parameters);
  }
}

/* Between them weights and steps are means. */
static void
test_between (void)
{
  RfdnTensorFile *sharp = make_networks ()[SHARP], *mean = make_network (1 + OWN);
  g_autoptr (RfdnModel) model = load_with_siblings ();
  g_autoptr (RfdnModel) mixed = rfdn_model_sharpen (model, 0.5f, NULL);
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, mean->tensors);
  while (g_hash_table_iter_next (&iter, &name, &value)) {
    RfdnTensor *tensor = value;
    for (gsize i = 0; i < tensor->n_values; i++)
      tensor->values[i] =
          0.5f * tensor->values[i] + 0.5f * rfdn_tensor_file_get (sharp, name)->values[i];
  }
  g_autoptr (RfdnModel) alone = load_alone (mean, "0.00390625");
  assert_same (mixed, alone, TRUE);
  rfdn_tensor_file_free (mean);
}

static void
test_wrong_sharpness (void)
{
  static const float wrong[] = {1.01f, -1.01f, NAN, INFINITY};
  g_autoptr (RfdnModel) model = load_with_siblings ();
  g_autoptr (RfdnModel) alone = load_alone (make_networks ()[OWN], steps[OWN]);
  g_autoptr (RfdnModel) same = rfdn_model_sharpen (alone, 0, NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_autoptr (GError) range = NULL;
    g_assert_null (rfdn_model_sharpen (model, wrong[i], &range));
    g_assert_error (range, RFDN_ERROR, RFDN_ERROR_PARAMS);
  }
  g_assert_true (same == alone);
  g_assert_false (rfdn_model_get_info (alone)->has_siblings);
  g_assert_null (rfdn_model_sharpen (alone, 0.5f, &error));
  g_assert_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS);
}

static void
assert_bad (const char *metadata, guint n, const SyntheticTensor *changed, const char *says)
{
  g_autoptr (GBytes) bytes = make_file (make_networks (), n, metadata, changed);
  g_autoptr (GError) error = NULL;
  g_autoptr (RfdnModel) model = rfdn_model_new (bytes, &error);

  g_assert_null (model);
  g_assert_error (error, RFDN_ERROR, RFDN_ERROR_MODEL);
  if (strstr (error->message, says) == NULL)
    g_error ("'%s' does not say '%s'", error->message, says);
}

static void
test_wrong_files (void)
{
  static float zeros[8 * 8 * 9];
  const SyntheticTensor missing = {.name = "soft.lr_conv.bias"};
  const SyntheticTensor wrong = {"sharp.lr_conv.weight", 4, {8, 8, 1, 1}, zeros};
  const SyntheticTensor flat = {"sharp.lr_conv.weight", 1, {8}, zeros};

  assert_bad ("{" BOTH "}", 1, NULL, "but there is none");
  assert_bad ("{" BOTH "}", 2, NULL, "soft.");
  assert_bad ("{\"siblings\":\"sharp\"}", N_NETWORKS, NULL, "siblings is 'sharp'");
  assert_bad ("{" BOTH "}", N_NETWORKS, &missing, "soft.lr_conv.bias");
  assert_bad ("{" BOTH "}", N_NETWORKS, &wrong, "another shape");
  assert_bad ("{" BOTH "}", N_NETWORKS, &flat, "another shape");
}

/* Steps of a sibling that it cannot be computed with: the network itself stays usable. */
static void
test_wrong_steps (void)
{
  g_autofree char *own = get_steps (steps[OWN]);
  g_autofree char *metadata =
      g_strdup_printf ("{" BOTH ",\"steps\":\"%s\",\"sharp.steps\":\"1 2\"}", own);
  g_autoptr (RfdnModel) model = load (make_networks (), N_NETWORKS, metadata);
  g_autoptr (RfdnModel) soft = rfdn_model_sharpen (model, -1, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (rfdn_model_get_info (soft)->has_steps); /* the network's own */
  g_assert_null (rfdn_model_sharpen (model, 1, &error));
  g_assert_error (error, RFDN_ERROR, RFDN_ERROR_MODEL);
  g_assert_nonnull (strstr (error->message, "metadata sharp.steps, line 1"));
}

/* Weights that are fine by themselves, but not mixed; the model stays usable. */
static void
test_not_finite (void)
{
  static float large[8] = {INFINITY};
  const SyntheticTensor changed = {"sharp.lr_conv.bias", 1, {8}, large};
  g_autoptr (GBytes) bytes = make_file (make_networks (), N_NETWORKS, "{" BOTH "}", &changed);
  g_autoptr (GError) error = NULL;
  g_autoptr (RfdnModel) model = rfdn_model_new (bytes, NULL);
  g_autoptr (RfdnModel) soft = rfdn_model_sharpen (model, -1, NULL);

  g_assert_nonnull (soft);
  g_assert_null (rfdn_model_sharpen (model, 0.25f, &error));
  g_assert_error (error, RFDN_ERROR, RFDN_ERROR_MODEL);
  g_assert_nonnull (strstr (error->message, "mixed with its sharper sibling, tensor lr_conv.bias"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/siblings/ends", test_ends);
  g_test_add_func ("/siblings/between", test_between);
  g_test_add_func ("/siblings/wrong-sharpness", test_wrong_sharpness);
  g_test_add_func ("/siblings/wrong-files", test_wrong_files);
  g_test_add_func ("/siblings/wrong-steps", test_wrong_steps);
  g_test_add_func ("/siblings/not-finite", test_not_finite);
  return g_test_run ();
}
