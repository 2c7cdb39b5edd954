global using DistFS.Blocks;
