export * from './copy-engine';
export * from './ghcr-mirror';
