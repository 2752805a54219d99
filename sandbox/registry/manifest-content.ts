/** The fields of a manifest that a registry reads. To the registry, all others are mere bytes. */
export interface ManifestContent {
  /** `mediaType` of the document itself. */
  readonly mediaType?: string;
  /** Config and layers, which have to be there before the manifest; foreign layers need not. */
  readonly blobs: readonly string[];
  /** Manifests that an index lists. */
  readonly children: readonly string[];
  readonly subject?: string;
  /** `artifactType`, else the config's media type: what the referrers API lists. */
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Layers that stay with their distributor: `urls` say where. */
const FOREIGN = /(\.nondistributable\.|\.foreign\.)/;

/** undefined when these bytes aren't a JSON object: an unknown type of manifest, which is kept as it is. */
export function readManifest(bytes: Buffer): ManifestContent | undefined {
  const document = parseObject(bytes);
  if (!document) { return undefined; }
  const config = object(document.config);
  const subject = text(object(document.subject)?.digest);
  const artifactType = text(document.artifactType) ?? text(config?.mediaType);
  return {
    mediaType: text(document.mediaType),
    blobs: [...(config ? [config] : []), ...objects(document.layers).filter(layer => !isForeign(layer))]
      .map(digest)
      .filter(isText),
    children: objects(document.manifests).map(digest).filter(isText),
    ...(subject === undefined ? {} : { subject }),
    ...(artifactType === undefined ? {} : { artifactType }),
    annotations: object(document.annotations) as Record<string, string> | undefined,
  };
}

function isForeign(layer: Record<string, unknown>): boolean {
  return FOREIGN.test(text(layer.mediaType) ?? '') || (Array.isArray(layer.urls) && layer.urls.length > 0);
}

function parseObject(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    return object(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    if (error instanceof SyntaxError) { return undefined; }
    throw error;
  }
}

function object(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : undefined;
}

function objects(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map(object).filter(entry => entry !== undefined) : [];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isText(value: string | undefined): value is string {
  return value !== undefined;
}

function digest(descriptor: Record<string, unknown>): string | undefined {
  return text(descriptor.digest);
}
