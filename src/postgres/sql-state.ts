// SQLSTATEs that more than one place has an answer to, by Postgres's names of them.

export const DEADLOCK_DETECTED = '40P01';
export const INSUFFICIENT_PRIVILEGE = '42501';
export const UNDEFINED_OBJECT = '42704';
export const CONFIGURATION_LIMIT_EXCEEDED = '53400';
export const OBJECT_IN_USE = '55006';
export const LOCK_NOT_AVAILABLE = '55P03';
