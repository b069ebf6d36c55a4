/** What our components use of the packages that upstream's client brings. */

declare module "react-router-dom" {
  export function useSearchParams(): [
    URLSearchParams,
    (next: URLSearchParams | ((before: URLSearchParams) => URLSearchParams), options?: { replace?: boolean }) => void,
  ];
}
