/**
 * The program that moves the bytes of images. Both keep every digest, and each takes over what the other can't copy for
 * a reason that the mirror doesn't know.
 */
export enum CopyEngine {
  /** `skopeo copy`, one process for each manifest that is no index: the tool that the world's registries have met. */
  SKOPEO = 'skopeo',

  /**
   * The mirror's own program, which streams each blob once over kept-alive connections. It is
   * faster, and nothing is installed.
   */
  DIRECT = 'direct',
}
