// Package token turns text into the ids that a text tower reads.
//
// Two tokenizers are built from the model's own vocabulary file: [BytePair],
// CLIP's byte-level byte-pair encoding, equal to OpenAI's, and [WordPiece],
// BERT's, equal to Hugging Face's BertTokenizer.
package token
