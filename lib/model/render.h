/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts of cells that are not text, made when adb_row_text() first asks and kept with the result. Any thread may ask at
 * any time: no lock, each text is published once, and whoever comes second drops its own. */
#ifndef ADB_MODEL_RENDER_H
#define ADB_MODEL_RENDER_H

#include "model/result.h"

/* The text of the value of an existing cell; NULL when there is no memory. Same pointer for each call. */
const char *adb__render_text(struct adb_result *result, size_t row, size_t column, const adb_value *value);
/* Free all texts. The last reference is gone, or the result was never handed over. */
void adb__render_free(struct adb_result *result);

#endif
