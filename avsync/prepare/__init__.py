"""Raw media to prepared clips: decoding, landmarks, mouth crops, rejects."""
