import { signatureHeaders } from '../../../sandbox/github/index';

test("signs GitHub's documented vector", () => {
  // https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
  expect(signatureHeaders("It's a Secret to Everybody", Buffer.from('Hello, World!'))['X-Hub-Signature-256'])
    .toBe('sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17');
});

test.each([undefined, ''])('signs nothing with the secret %j', secret => {
  expect(signatureHeaders(secret, Buffer.from('x'))).toEqual({});
});
