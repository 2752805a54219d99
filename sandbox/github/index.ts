export type { AddPackageSettings, DeliverOptions, SendRawOptions } from './github';
export { GitHub, startGitHub } from './github';
export type { Delivery, ReleaseOrder } from './deliveries';
export type { Hook } from './hooks';
export type { GitHubClock, GitHubOptions, TokenOptions, Visibility } from './options';
export type { ManifestPut } from './payload';
export type { RateLimitOptions } from './rate-limit';
export { signatureHeaders } from './signature';
export type { Package, PackageType, Version } from './store';
