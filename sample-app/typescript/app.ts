import { App } from 'aws-cdk-lib';
import { ImagesStack } from './lib/images-stack';

const app = new App();
new ImagesStack(app, 'Images', {
  // Your organization in GitHub.
  organization: 'my-org',
  // Uncomment to deploy to an account and region of your choice instead of those that the AWS CLI is configured for.
  // env: { account: '123456789012', region: 'eu-central-1' },
});
