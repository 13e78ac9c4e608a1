/** The text of an element of one of AWS's answers, such as `<Error><Code>NoSuchBucket</Code></Error>`. */
export function xmlField(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
}
