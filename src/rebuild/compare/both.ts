/** As `Promise.all`, but when it throws nothing goes on in the background. */
export async function both<T, U>(left: T, right: U): Promise<[Awaited<T>, Awaited<U>]> {
  await Promise.allSettled([left, right]);
  return Promise.all([left, right]);
}
