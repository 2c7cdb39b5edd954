namespace DistFS.Metadata.Rows;

/// <summary>Which of its lists: the last byte of the key of an ACL.</summary>
public enum AclKind : byte
{
    /// <summary>Who may use the inode.</summary>
    Access = (byte)'a',

    /// <summary>What is made in the directory inherits it.</summary>
    Default = (byte)'d',
}
