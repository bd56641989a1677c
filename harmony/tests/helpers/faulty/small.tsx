export const Counter = ({ count }: Props): Element => {
  if (count < 3) return <Few at={count} />;
  return <Many at={count + 1} />;
};
