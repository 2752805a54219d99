export * from './ghcr-mirror';
