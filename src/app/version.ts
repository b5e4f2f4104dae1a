/** The version in package.json, which a test compares it with: that file lies elsewhere in a checkout than in a package. */
export const VERSION = '0.1.0';
