import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** A property of `GhcrMirrorProps` as its source declares it. */
export interface Prop {
  readonly name: string;
  readonly optional: boolean;
  /** Text of the tag `@default`; empty when there is none. */
  readonly defaultValue: string;
}

/** The props of the mirror, read from the source, so that no list has to be kept. */
export function mirrorProps(): readonly Prop[] {
  return propsIn(readFileSync(join(__dirname, '..', '..', 'src', 'ghcr-mirror-props.ts'), 'utf8'));
}

/** @throws when the source declares no interface `GhcrMirrorProps` */
export function propsIn(source: string): readonly Prop[] {
  const { statements } = ts.createSourceFile('ghcr-mirror-props.ts', source, ts.ScriptTarget.Latest, true);
  const props = statements.find((statement): statement is ts.InterfaceDeclaration =>
    ts.isInterfaceDeclaration(statement) && statement.name.text === 'GhcrMirrorProps');
  if (props === undefined) {
    throw new Error('The source declares no interface GhcrMirrorProps: tell this reader where it has gone.');
  }
  return props.members.filter(ts.isPropertySignature).map(member => ({
    name: member.name.getText(),
    optional: member.questionToken !== undefined,
    defaultValue: ts.getJSDocTags(member).filter(tag => tag.tagName.text === 'default')
      .map(tag => ts.getTextOfJSDocComment(tag.comment) ?? '').join(' '),
  }));
}
