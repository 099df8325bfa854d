"""The bytes of a recording: files, pipes and directories, cut into records."""
