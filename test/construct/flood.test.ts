import { Template } from 'aws-cdk-lib/assertions';
import { CfnApiMapping, DomainName } from 'aws-cdk-lib/aws-apigatewayv2';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { AllowedMethods, CachePolicy, Distribution, OriginRequestPolicy } from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { newMirror, newStack, ownSecret } from './synth';

/** As docs/flood.md shows it. */
test('the documented front of CloudFront and WAF synthesizes, with the mirror told the address '
  + 'of its own distribution', () => {
  const stack = newStack();
  const certificate = Certificate.fromCertificateArn(
    stack,
    'Certificate',
    'arn:aws:acm:us-east-1:111122223333:certificate/0c1d2e3f',
  );
  const mirror = newMirror(stack, { webhookToken: ownSecret(stack, 'Hooks'), webhookUrl: 'https://hooks.example.com/packages' });
  const origin = new DomainName(stack, 'Origin', { domainName: 'origin.example.com', certificate });
  new CfnApiMapping(stack, 'Mapping', { apiId: mirror.api.apiId, domainName: origin.name, stage: '$default' });
  new Distribution(stack, 'Front', {
    domainNames: ['hooks.example.com'],
    certificate,
    webAclId: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/github/0c1d2e3f',
    defaultBehavior: {
      origin: new HttpOrigin('origin.example.com'),
      allowedMethods: AllowedMethods.ALLOW_ALL,
      cachePolicy: CachePolicy.CACHING_DISABLED,
      originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
    },
  });
  // Template.fromStack refuses a template with a cycle.
  Template.fromStack(stack).resourceCountIs('AWS::CloudFront::Distribution', 1);
});
