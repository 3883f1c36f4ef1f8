"""What a task does around its network: files and colour in, files and colour out. It knows networks and pictures, and
neither the command line nor how either of them works inside."""
