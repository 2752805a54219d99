export * from './contract/copy-engine';
export * from './ghcr-mirror';
export * from './ghcr-mirror-props';
