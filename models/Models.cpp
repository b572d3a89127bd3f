// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The architectures that VLPC knows.
#include "models/Models.h"

#include "models/albef/AlbefArchitecture.h"
#include "models/beit3/Beit3Architecture.h"
#include "models/blip/BlipArchitecture.h"
#include "models/clip/ClipArchitecture.h"
#include "models/coca/CocaArchitecture.h"
#include "models/vlmo/VlmoArchitecture.h"

using namespace vlp::models;

llvm::ArrayRef<const Architecture *> vlp::models::getArchitectures() {
  static const Architecture *const architectures[] = {&getClipArchitecture(),  &getAlbefArchitecture(),
                                                      &getBlipArchitecture(),  &getCocaArchitecture(),
                                                      &getBeit3Architecture(), &getVlmoArchitecture()};
  return architectures;
}

llvm::Expected<const Architecture *> vlp::models::findPreset(llvm::StringRef preset) {
  std::vector<std::string> known;
  for (const Architecture *architecture : getArchitectures())
    for (const PresetInfo &info : architecture->getPresets()) {
      if (info.name == preset)
        return architecture;
      known.push_back(info.name);
    }
  return makeError("unknown preset '" + preset + "'; " + suggest(preset, known) + " (--list-presets shows all)");
}
