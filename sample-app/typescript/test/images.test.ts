import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { ImagesStack } from '../lib/images-stack';

const template = Template.fromStack(new ImagesStack(new App(), 'Images', { organization: 'my-org' }));

test('mirrors the organization', () => {
  template.hasResourceProperties('AWS::CodeBuild::Project', {
    Environment: {
      EnvironmentVariables: Match.arrayWith([{ Name: 'ORGANIZATION', Type: 'PLAINTEXT', Value: 'my-org' }]),
    },
  });
});

test('registers a webhook that delivers to the mirror', () => {
  template.resourceCountIs('Custom::GhcrMirrorWebhook', 1);
  template.hasResourceProperties('AWS::ApiGatewayV2::Route', { RouteKey: 'POST /packages' });
});

test('deletes no image', () => {
  assert.doesNotMatch(JSON.stringify(template.findResources('AWS::IAM::Policy')), /ecr:(BatchDelete|Delete)/);
});
