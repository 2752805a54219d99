import type { Fields } from '../../core/fields';
import { randomText } from '../../core/naming';

const SETS = {
  Lowercase: 'abcdefghijklmnopqrstuvwxyz',
  Uppercase: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  Numbers: '0123456789',
  Punctuation: '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
};

/**
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-secretsmanager-secret-generatesecretstring.html
 */
export function generateSecretString(fields: Fields, random: () => number): string {
  fields.only(
    'ExcludeCharacters',
    'ExcludeLowercase',
    'ExcludeNumbers',
    'ExcludePunctuation',
    'ExcludeUppercase',
    'GenerateStringKey',
    'IncludeSpace',
    'PasswordLength',
    'RequireEachIncludedType',
    'SecretStringTemplate',
  );
  const password = generatePassword(fields, random);
  const key = fields.optionalText('GenerateStringKey');
  const template = fields.optionalText('SecretStringTemplate');
  if (key === undefined && template === undefined) { return password; }
  if (key === undefined || template === undefined) {
    throw fields.fail('GenerateStringKey', 'and SecretStringTemplate belong together: give both or none');
  }
  return JSON.stringify({ ...parseTemplate(fields, template), [key]: password });
}

function generatePassword(fields: Fields, random: () => number): string {
  const length = fields.integer('PasswordLength', 1, 4096) ?? 32;
  const excluded = fields.optionalText('ExcludeCharacters') ?? '';
  const sets = Object.entries(SETS).filter(([name]) => fields.flag(`Exclude${name}`) !== true).map(([, set]) => set);
  if (fields.flag('IncludeSpace') === true) { sets.push(' '); }
  const allowed = sets.map(set => [...set].filter(character => !excluded.includes(character)).join(''))
    .filter(set => set !== '');
  if (allowed.length === 0) {
    throw fields.fail('ExcludeCharacters', 'leaves no character to generate a password from');
  }
  if (fields.flag('RequireEachIncludedType') === false) { return randomText(random, length, allowed.join('')); }
  if (length < allowed.length) {
    throw fields.fail('PasswordLength', `must be at least ${allowed.length} to hold every required type`);
  }
  const required = allowed.map(set => randomText(random, 1, set));
  const rest = [...randomText(random, length - required.length, allowed.join(''))];
  // Required characters go to random places, not to the front.
  required.forEach(character => rest.splice(Math.floor(random() * (rest.length + 1)), 0, character));
  return rest.join('');
}

function parseTemplate(fields: Fields, template: string): object {
  try {
    const parsed: unknown = JSON.parse(template);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) { return parsed; }
  } catch (error) {
    throw fields.fail('SecretStringTemplate', `is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw fields.fail('SecretStringTemplate', 'must be a JSON object');
}
