/** Fields by which packages relate to each other (Debian Policy 7), with the numbers that the database keeps. */
export const relationFields = [
  'Pre-Depends',
  'Depends',
  'Recommends',
  'Suggests',
  'Enhances',
  'Breaks',
  'Conflicts',
  'Provides',
  'Replaces',
  'Build-Depends',
  'Build-Depends-Indep',
  'Build-Depends-Arch',
  'Build-Conflicts',
  'Build-Conflicts-Indep',
  'Build-Conflicts-Arch',
] as const;

export type RelationField = (typeof relationFields)[number];
