import { type InputHTMLAttributes, type ReactNode, type TextareaHTMLAttributes, useId } from 'react'
import './field.css'

interface Named {
  readonly label: string
  readonly hint?: string | undefined
  readonly error?: string | undefined
}

type TextFieldProps = Named & Omit<InputHTMLAttributes<HTMLInputElement>, 'id'>
type TextAreaProps = Named & Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, 'id'>

/** An input with its label, what explains it, and what is wrong with it. */
export function TextField({ label, hint, error, ...rest }: TextFieldProps) {
  return (
    <Labelled label={label} hint={hint} error={error}>
      {(attributes) => <input type="text" className="input" {...rest} {...attributes} />}
    </Labelled>
  )
}

export function TextArea({ label, hint, error, ...rest }: TextAreaProps) {
  return (
    <Labelled label={label} hint={hint} error={error}>
      {(attributes) => <textarea className="input" rows={3} {...rest} {...attributes} />}
    </Labelled>
  )
}

interface FieldAttributes {
  readonly id: string
  readonly 'aria-describedby': string | undefined
  readonly 'aria-invalid': true | undefined
}

interface LabelledProps extends Named {
  readonly children: (attributes: FieldAttributes) => ReactNode
}

export function Labelled({ label, hint, error, children }: LabelledProps) {
  const id = useId()
  const noteId = `${id}-note`
  const note = error ?? hint
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        'aria-describedby': note ? noteId : undefined,
        'aria-invalid': error ? true : undefined,
      })}
      {note && (
        <p id={noteId} className={error ? 'field-error' : 'field-hint'}>
          {note}
        </p>
      )}
    </div>
  )
}
