/** Sections and components. Debian Policy 2.4: a section outside main is written `component/section`. */
export function componentOfSection(section: string | undefined): string {
  const slash = section?.indexOf('/') ?? -1;
  return slash <= 0 ? 'main' : section!.slice(0, slash);
}
