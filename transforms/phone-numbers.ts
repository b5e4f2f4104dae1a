/** Area codes from 200 to 499: there every exchange keeps 555-0100 to 555-0199 free. */
const NORTH_AMERICA = ['+12##55501##', '+13##55501##', '+14##55501##'];

const BRITAIN = [
  '+442079460###',
  '+441134960###',
  '+441214960###',
  '+441314960###',
  '+441414960###',
  '+441614960###',
  '+441632960###',
  '+447700900###',
];

const AUSTRALIA = ['2', '3', '7', '8'].flatMap((area) => [`+61${area}5550####`, `+61${area}7010####`]);

/**
 * Numbers that the authority of a country keeps free for films and examples, by locale; a # is any digit. Sources: NANPA, Ofcom
 * (drama numbers), ACMA (fictitious numbers), Bundesnetzagentur (Drama Numbers), ARCEP (article 2.5.12 of its plan), ComReg.
 */
const RESERVED: Readonly<Record<string, readonly string[]>> = {
  en: NORTH_AMERICA,
  en_US: NORTH_AMERICA,
  en_CA: NORTH_AMERICA,
  fr_CA: NORTH_AMERICA,
  en_GB: BRITAIN,
  cy: BRITAIN,
  en_IE: ['+3532091#####'],
  en_AU: AUSTRALIA,
  en_AU_ocker: AUSTRALIA,
  de: ['+493023125###', '+494066969###', '+496990009###', '+498999998###', '+492214710###'],
  fr: ['+3319900####', '+3326191####', '+3335301####', '+3346571####', '+3353649####', '+3363998####'],
};

/** The country code 999 is nobody's. */
const OF_NO_COUNTRY = ['+999#########'];

/** Forms of numbers that ring at nobody's: E.164, a # for any digit. */
export function phoneNumbers(locale: string): readonly string[] {
  return RESERVED[locale] ?? OF_NO_COUNTRY;
}
