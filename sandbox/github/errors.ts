export interface FieldError {
  readonly resource?: string;
  readonly code?: string;
  readonly field?: string;
  readonly message?: string;
}

/** An error as GitHub's REST API answers it. */
export class ApiError extends Error {
  constructor(
    public readonly status: number,
    message: string,
    public readonly details: {
      readonly errors?: readonly FieldError[];
      readonly headers?: Record<string, string>;
    } = {},
  ) {
    super(message);
  }

  public body(documentationUrl: string): object {
    const { errors } = this.details;
    return {
      message: this.message,
      ...errors && { errors },
      documentation_url: documentationUrl,
      status: String(this.status),
    };
  }
}

export function notFound(message = 'Not Found'): ApiError {
  return new ApiError(404, message);
}

/** 422 with the list of what is wrong. */
export function validationFailed(...errors: FieldError[]): ApiError {
  return new ApiError(422, 'Validation Failed', { errors });
}
