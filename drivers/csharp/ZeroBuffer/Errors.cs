namespace ZeroBuffer
{
    /// <summary>A name that cannot serve a segment, two semaphores and a lock file.</summary>
    public sealed class InvalidNameException : ZeroBufferException
    {
        internal InvalidNameException(string name, string reason, int longest)
            : base(
                "invalid_name",
                name,
                $"'{name}' is no name for a buffer: {reason}",
                "Use 1 to 245 letters, digits, '-', '_' and '.', without '..'")
        {
            Add("reason", reason);
            Add("longest", longest);
        }
    }

    /// <summary>The name belongs to a reader that lives.</summary>
    public sealed class BufferInUseException : ZeroBufferException
    {
        internal BufferInUseException(string name, ulong pid)
            : base(
                "buffer_in_use",
                name,
                $"buffer '{name}' is in use by process {pid}",
                "Choose another name, or close the reader that has it")
        {
            Add("pid", pid);
        }
    }

    /// <summary>No reader has created the buffer.</summary>
    public sealed class BufferNotFoundException : ZeroBufferException
    {
        internal BufferNotFoundException(string name)
            : base(
                "not_found",
                name,
                $"there is no buffer '{name}'",
                "Create its reader first, or give the writer time to wait for it")
        {
        }
    }

    /// <summary>The buffer belongs to another user.</summary>
    public sealed class PermissionDeniedException : ZeroBufferException
    {
        internal PermissionDeniedException(string name, string path, int errno)
            : this(
                name,
                path,
                errno,
                $"no permission to use {path} of buffer '{name}'",
                "Have the reader create it with a wider mode, or run as its owner")
        {
        }

        /// <summary>The segment of another user, who would get what is written.</summary>
        internal PermissionDeniedException(string name, string path, uint owner)
            : this(
                name,
                path,
                Libc.EPERM,
                $"{path} of buffer '{name}' belongs to user {owner}, who would get what is written",
                "Connect with anyOwner (any_owner) if that is meant, or run as its owner")
        {
        }

        private PermissionDeniedException(string name, string path, int errno, string cause, string hint)
            : base("permission_denied", name, cause, hint)
        {
            Add("path", path);
            Add("errno", errno);
        }
    }

    /// <summary>The control block, or a position in it, cannot be true.</summary>
    public sealed class InvalidOiebException : ZeroBufferException
    {
        internal InvalidOiebException(string name, string field, ulong value, ulong limit)
            : base(
                "invalid_oieb",
                name,
                $"buffer '{name}' is corrupt: {field} is {value}, which does not go with {limit}",
                "Something else wrote to the segment, or it is no buffer: create it anew")
        {
            Add("field", field);
            Add("value", value);
            Add("limit", limit);
        }

        internal InvalidOiebException(string name, string semaphore)
            : base(
                "invalid_oieb",
                name,
                $"buffer '{name}' is corrupt: {semaphore} is no semaphore",
                "Something else wrote to it: create the buffer anew")
        {
            Add("path", semaphore);
        }
    }

    /// <summary>The segment follows another major version of the protocol.</summary>
    public sealed class VersionMismatchException : ZeroBufferException
    {
        internal VersionMismatchException(string name, int value, int limit)
            : base(
                "version_mismatch",
                name,
                $"buffer '{name}' follows version {value} of the protocol, this library speaks {limit}",
                "Use the same major version on both sides")
        {
            Add("value", value);
            Add("limit", limit);
        }
    }

    /// <summary>A writer that lives is connected.</summary>
    public sealed class WriterExistsException : ZeroBufferException
    {
        internal WriterExistsException(string name, ulong pid)
            : base(
                "writer_exists",
                name,
                $"buffer '{name}' has a writer already, process {pid}",
                "A buffer has one writer: close the other one first")
        {
            Add("pid", pid);
        }
    }

    /// <summary>The reader has closed or died.</summary>
    public sealed class ReaderDeadException : ZeroBufferException
    {
        internal ReaderDeadException(string name, string reason, ulong pid)
            : base(
                "reader_dead",
                name,
                $"the reader of buffer '{name}' is gone ({reason})",
                "Close this writer, and connect again when a reader has created the buffer anew")
        {
            Add("reason", reason);
            Add("pid", pid);
        }
    }

    /// <summary>The writer has closed or died, and all that it had committed is read.</summary>
    public sealed class WriterDeadException : ZeroBufferException
    {
        internal WriterDeadException(string name, string reason, ulong pid)
            : base(
                "writer_dead",
                name,
                $"the writer of buffer '{name}' is gone ({reason}) and all its frames are read",
                "Close this reader, or go on reading when another writer has connected")
        {
            Add("reason", reason);
            Add("pid", pid);
        }
    }

    /// <summary>Nothing came in time, and the other side is not known to be dead.</summary>
    public sealed class FrameTimeoutException : ZeroBufferException
    {
        internal FrameTimeoutException(string name, double seconds)
            : base(
                "timeout",
                name,
                $"nothing came to buffer '{name}' within {Number(seconds)} s",
                "Wait longer, or see whether the other side is at work")
        {
            Add("seconds", seconds);
        }
    }

    /// <summary>No space came in time.</summary>
    public sealed class BufferFullException : ZeroBufferException
    {
        internal BufferFullException(string name, long size, long needed, long free, double seconds)
            : base(
                "buffer_full",
                name,
                $"buffer '{name}' had no space for a frame of {size} bytes within {Number(seconds)} s "
                    + $"({needed} needed, {free} free)",
                "Wait longer, read faster, or create the buffer with a larger ring")
        {
            Add("size", size);
            Add("needed", needed);
            Add("free", free);
            Add("seconds", seconds);
        }
    }

    /// <summary>The frame is larger than the whole ring.</summary>
    public sealed class FrameTooLargeException : ZeroBufferException
    {
        internal FrameTooLargeException(string name, long size, long largest, long alwaysFits)
            : base(
                "frame_too_large",
                name,
                $"a frame of {size} bytes cannot fit into buffer '{name}': {largest} is the most",
                "Split it, or create the buffer with a ring of twice the largest frame")
        {
            Add("size", size);
            Add("largest", largest);
            Add("always_fits", alwaysFits);
        }
    }

    /// <summary>At this position the frame can never be written, however far the reader drains.</summary>
    public sealed class FrameUnwritableException : ZeroBufferException
    {
        internal FrameUnwritableException(string name, long size, long fitsNow, long alwaysFits)
            : base(
                "frame_unwritable",
                name,
                $"a frame of {size} bytes cannot be written at the present position of buffer '{name}', "
                    + "even when it is empty",
                $"{fitsNow} bytes fit now, {alwaysFits} always do: "
                    + "create the buffer with a ring of twice the largest frame")
        {
            Add("size", size);
            Add("fits_now", fitsNow);
            Add("always_fits", alwaysFits);
        }
    }

    /// <summary>A frame of no bytes, or a header that cannot be one.</summary>
    public sealed class InvalidFrameSizeException : ZeroBufferException
    {
        internal InvalidFrameSizeException(string name, string field, ulong value, ulong limit)
            : base(
                "invalid_frame_size",
                name,
                $"buffer '{name}': {field} says {value}, 1 to {limit} is allowed",
                "A frame holds at least one byte; if you did not write this one, create the buffer anew")
        {
            Add("field", field);
            Add("value", value);
            Add("limit", limit);
        }
    }

    /// <summary>A frame is missing or out of order.</summary>
    public sealed class SequenceException : ZeroBufferException
    {
        internal SequenceException(string name, ulong expected, ulong seen)
            : base(
                "sequence_error",
                name,
                $"buffer '{name}': expected frame {expected}, found frame {seen}",
                "Something else wrote to the segment: create the buffer anew")
        {
            Add("expected", expected);
            Add("seen", seen);
        }
    }

    /// <summary>The metadata does not fit into its block.</summary>
    public sealed class MetadataTooLargeException : ZeroBufferException
    {
        internal MetadataTooLargeException(string name, long size, long limit)
            : base(
                "metadata_too_large",
                name,
                $"metadata of {size} bytes does not fit into buffer '{name}': {limit} is the most",
                "Create the buffer with a metadata block of at least the content and 8 bytes")
        {
            Add("size", size);
            Add("limit", limit);
        }
    }

    /// <summary>Metadata is written once.</summary>
    public sealed class MetadataExistsException : ZeroBufferException
    {
        internal MetadataExistsException(string name)
            : base(
                "metadata_exists",
                name,
                $"buffer '{name}' has its metadata already",
                "Send what changes as frames")
        {
        }
    }

    /// <summary>Metadata of no bytes cannot be told from none.</summary>
    public sealed class MetadataEmptyException : ZeroBufferException
    {
        internal MetadataEmptyException(string name)
            : base(
                "metadata_empty",
                name,
                $"empty metadata cannot be written to buffer '{name}'",
                "Write at least one byte, or none at all")
        {
        }
    }

    /// <summary>The writer has not written metadata.</summary>
    public sealed class NoMetadataException : ZeroBufferException
    {
        internal NoMetadataException(string name)
            : base(
                "no_metadata",
                name,
                $"buffer '{name}' has no metadata yet",
                "The writer may write it at any time: try again")
        {
        }
    }

    /// <summary>The space of the frame belongs to the writer again.</summary>
    public sealed class FrameReleasedException : ZeroBufferException
    {
        internal FrameReleasedException(string name, ulong sequence)
            : base(
                "frame_released",
                name,
                $"frame {sequence} of buffer '{name}' was released",
                "Look at a frame before its release, or copy it")
        {
            Add("sequence", sequence);
        }
    }

    /// <summary>The object was closed.</summary>
    public sealed class BufferClosedException : ZeroBufferException
    {
        internal BufferClosedException(string name, string what)
            : base(
                "closed",
                name,
                $"this {what} of buffer '{name}' is closed",
                "Open a new one")
        {
            Add("what", what);
        }
    }

    /// <summary>The object is in the middle of something else. (A code beyond the protocol.)</summary>
    public sealed class BusyException : ZeroBufferException
    {
        internal BusyException(string name, string reason)
            : base(
                "busy",
                name,
                $"buffer '{name}' is busy: {reason}",
                "Use a writer from one thread at a time, and finish a slot before the next write")
        {
            Add("reason", reason);
        }
    }

    /// <summary>The handler of a duplex server failed on this request. (A code beyond the protocol.)</summary>
    public sealed class HandlerException : ZeroBufferException
    {
        internal HandlerException(string name, ulong request, string reason)
            : base(
                "handler_error",
                name,
                $"the server of channel '{name}' could not answer request {request}: {reason}",
                "The channel goes on: the next request has its own answer")
        {
            Add("request", request);
            Add("reason", reason);
        }
    }

    /// <summary>The system has no more of something.</summary>
    public sealed class ResourceExhaustedException : ZeroBufferException
    {
        internal ResourceExhaustedException(string name, string operation, int errno)
            : base(
                "resource_exhausted",
                name,
                $"buffer '{name}': could not {operation}: {Libc.Describe(errno)}",
                "Free memory, descriptors or space in /dev/shm, raise the limit, or make the buffer smaller")
        {
            Add("operation", operation);
            Add("errno", errno);
        }
    }

    /// <summary>The system refused for a reason that has no name here.</summary>
    public sealed class SystemFailureException : ZeroBufferException
    {
        internal SystemFailureException(string name, string operation, int errno)
            : base(
                "system_error",
                name,
                $"buffer '{name}': could not {operation}: {Libc.Describe(errno)}",
                "The cause is the system's own: see errno")
        {
            Add("operation", operation);
            Add("errno", errno);
        }
    }
}
