import { AuditReport, judge } from '../../projenrc/audit';

const vulnerable = (name: string, severity: 'low' | 'high'): AuditReport => ({
  vulnerabilities: { [name]: { name, severity } },
});

test.each<[string, AuditReport, string]>([
  ['a report without vulnerabilities', { vulnerabilities: {} }, 'clean'],
  ['a low one in a tool', vulnerable('jest', 'low'), 'clean'],
  ['a low one in a program', vulnerable('@octokit/core', 'low'), 'vulnerable'],
  ['a high one in a tool', vulnerable('jest', 'high'), 'vulnerable'],
  ['a registry without audits', { statusCode: 405, message: 'Method Not Allowed' }, 'unanswered'],
])('%s', (_, report, kind) => {
  expect(judge(report, new Set(['@octokit/core'])).kind).toBe(kind);
});

test('says that nothing was checked when the registry answers no audit', () => {
  expect(judge({ statusCode: 405 }, new Set()).text).toContain('NOT checked');
});

test.each<[string, AuditReport]>([
  ['an empty report', {}],
  ['a registry that is down', { statusCode: 503, message: 'Service Unavailable' }],
])('fails for %s, which must not look clean', (_, report) => {
  expect(() => judge(report, new Set())).toThrow(/whether there are vulnerabilities is not known/);
});
