import { newMirror, newStack } from './synth';

describe.each(['ap-east-2', 'ca-west-1', 'mx-central-1'])('%s', region => {
  test('rejects the region, for it has no CodeBuild, and says what to do', () => {
    expect(() => newMirror(newStack({ region }))).toThrow(new RegExp(
      `^GhcrMirror: the stack's \`env.region\` is "${region}", expected a region that has CodeBuild, .*ECR replicate`,
    ));
  });
});

test.each([['a region that has it', { region: 'eu-central-1' }], ['a region that is not known', undefined]])(
  'accepts %s',
  (_, env) => {
    expect(() => newMirror(newStack(env))).not.toThrow();
  },
);
